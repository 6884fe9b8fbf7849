import { z } from 'zod';
import { shownUserCode } from '../../domain/device-login.ts';
import { type DeviceParts, startDeviceLogin } from '../../usecases/sessions/start-device-login.ts';
import { anybody } from '../access/anybody.ts';
import { noBody, noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { devicePath } from './device-login-schemas.ts';

/** The portal's page where the person types the code. */
const verificationPage = '/platform/device';

export const startDeviceLoginRoute = defineRoute({
  method: 'post',
  path: devicePath,
  operationId: 'startDeviceLogin',
  summary: 'Ask for a log-in that a person approves in the browser',
  description:
    'Device authorization in the shape of RFC 8628, in JSON. Show `verification_uri` and `user_code`, and poll with `device_code` every `interval` seconds. `verification_uri` is relative to this server unless `PUBLIC_URL` is set. The codes work once, for 10 minutes.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 201: 'The codes.' },
  answer: z.strictObject({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.string(),
    expires_in: z.int().describe('Seconds'),
    interval: z.int().describe('Seconds between two polls'),
  }),
  errors: [],
  async handle(parts: DeviceParts & { publicUrl: URL | undefined }, { caller, client }) {
    const started = await startDeviceLogin(parts, client(), caller.requestId);
    return {
      status: 201,
      body: {
        device_code: started.deviceCode,
        user_code: shownUserCode(started.userCode),
        verification_uri: `${parts.publicUrl?.origin ?? ''}${verificationPage}`,
        expires_in: started.expiresInSeconds,
        interval: started.intervalSeconds,
      },
    };
  },
});
