import { z } from 'zod';
import {
  type ChangePasswordParts,
  changeOwnPassword,
} from '../../usecases/platform-users/change-own-password.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { newPassword, typedPassword } from './platform-user-schemas.ts';

export const changePasswordRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/auth/change-password',
  operationId: 'changePassword',
  summary: "Change one's own password",
  description:
    'Needs the current password; after five wrong ones in a session, attempts are delayed as for a login. All sessions of the user end, this one too.',
  access: platformCaller('nothing', 'own'),
  params: noParams,
  query: noQuery,
  body: z.strictObject({ current_password: typedPassword, new_password: newPassword }),
  success: { 200: 'Changed; log in again.' },
  answer: z.strictObject({ success: z.literal(true) }),
  errors: ['INVALID_CREDENTIALS', 'USER_NOT_FOUND', 'TOO_MANY_ATTEMPTS', 'MANAGED_BY_PROVIDER'],
  async handle(parts: ChangePasswordParts, { body, caller }) {
    const request = { currentPassword: body.current_password, newPassword: body.new_password };
    await changeOwnPassword(parts, caller, request);
    return { status: 200, body: { success: true as const } };
  },
});
