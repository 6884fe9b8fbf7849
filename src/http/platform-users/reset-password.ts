import { z } from 'zod';
import type { PlatformUserParts } from '../../usecases/platform-users/platform-user-parts.ts';
import { updatePlatformUser } from '../../usecases/platform-users/update-platform-user.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { newPassword, userParams } from './platform-user-schemas.ts';

export const resetPasswordRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/users/:id/reset-password',
  operationId: 'resetPlatformUserPassword',
  summary: "Set a platform user's password",
  description:
    "All sessions of the user end. Not for one's own password. A session must have begun or been confirmed in the last 10 minutes (step-up).",
  access: platformCaller('super-admin'),
  params: userParams,
  query: noQuery,
  body: z.strictObject({ password: newPassword }),
  success: { 200: 'Set.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: ['STEP_UP_REQUIRED', 'USER_NOT_FOUND', 'SELF_ACTION_FORBIDDEN', 'MANAGED_BY_PROVIDER'],
  async handle(parts: PlatformUserParts, { params, body, caller }) {
    await updatePlatformUser(parts, caller, params.id, { password: body.password });
    return { status: 200, body: { success: true as const } };
  },
});
