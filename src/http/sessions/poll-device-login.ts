import { z } from 'zod';
import { type PollParts, pollDeviceLogin } from '../../usecases/sessions/poll-device-login.ts';
import { anybody } from '../access/anybody.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { toUserAnswer, userAnswer } from '../platform-users/platform-user-schemas.ts';
import { defineRoute } from '../route.ts';
import { deviceCode, devicePath } from './device-login-schemas.ts';

export const pollDeviceLoginRoute = defineRoute({
  method: 'post',
  path: `${devicePath}/token`,
  operationId: 'pollDeviceLogin',
  summary: 'The token of a log-in that was approved in the browser',
  description:
    'Answers with the token once. `AUTHORIZATION_PENDING`: ask again after `interval` seconds. `SLOW_DOWN`: add 5 seconds to the interval. `DEVICE_LOGIN_DENIED` and `DEVICE_CODE_EXPIRED` end it.',
  access: anybody(),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ device_code: deviceCode }),
  success: { 200: 'A token for `Authorization: Bearer`.' },
  answer: z.strictObject({ token: z.string(), expires_at: timestampText, user: userAnswer }),
  errors: ['AUTHORIZATION_PENDING', 'SLOW_DOWN', 'DEVICE_CODE_EXPIRED', 'DEVICE_LOGIN_DENIED'],
  async handle(parts: PollParts, { body, caller, client }) {
    const request = { deviceCode: body.device_code, client: client(), requestId: caller.requestId };
    const { token, expiresAt, user } = await pollDeviceLogin(parts, request);
    return { status: 200, body: { token, expires_at: expiresAt.toISOString(), user: toUserAnswer(user) } };
  },
});
