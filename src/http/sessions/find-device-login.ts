import { z } from 'zod';
import { findDeviceLogin } from '../../usecases/sessions/find-device-login.ts';
import type { DeviceParts } from '../../usecases/sessions/start-device-login.ts';
import { portalSession } from '../access/portal-session.ts';
import { noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { devicePath, userCode } from './device-login-schemas.ts';

export const findDeviceLoginRoute = defineRoute({
  method: 'post',
  path: `${devicePath}/lookup`,
  operationId: 'findDeviceLogin',
  summary: 'What asks for a log-in under this code',
  description:
    'For the page on which a person approves: the address and the program that asked, and when. A POST, because a code in a URL would be logged. Wrong codes count as guesses.',
  access: portalSession(),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ user_code: userCode }),
  success: { 200: 'A log-in that waits for an answer.' },
  answer: z.strictObject({
    address: z.string().nullable(),
    user_agent: z.string().nullable().describe('As the program says; a hint and no proof'),
    created_at: timestampText,
    expires_at: timestampText,
  }),
  errors: ['DEVICE_CODE_NOT_FOUND'],
  async handle(parts: DeviceParts, { body, caller }) {
    const login = await findDeviceLogin(parts, caller, body.user_code);
    return {
      status: 200,
      body: {
        address: login.address,
        user_agent: login.userAgent,
        created_at: login.createdAt.toISOString(),
        expires_at: login.expiresAt.toISOString(),
      },
    };
  },
});
