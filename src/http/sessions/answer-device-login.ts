import { z } from 'zod';
import { answerDeviceLogin } from '../../usecases/sessions/answer-device-login.ts';
import { portalSession } from '../access/portal-session.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { devicePath, userCode } from './device-login-schemas.ts';

export const answerDeviceLoginRoute = defineRoute({
  method: 'post',
  path: `${devicePath}/answer`,
  operationId: 'answerDeviceLogin',
  summary: 'Approve or deny a log-in',
  description:
    'The program that asked is then logged in as the caller. The approval ends with the session that gave it. A session that was approved like this itself cannot approve another.',
  access: portalSession(),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ user_code: userCode, approve: z.boolean() }),
  success: { 200: 'Answered.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: ['DEVICE_CODE_NOT_FOUND', 'STEP_UP_REQUIRED'],
  async handle(parts: Parameters<typeof answerDeviceLogin>[0], { body, caller }) {
    await answerDeviceLogin(parts, caller, { userCode: body.user_code, isApproved: body.approve });
    return { status: 200, body: { success: true as const } };
  },
});
