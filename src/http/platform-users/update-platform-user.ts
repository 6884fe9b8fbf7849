import { z } from 'zod';
import type { PlatformUserParts } from '../../usecases/platform-users/platform-user-parts.ts';
import { updatePlatformUser } from '../../usecases/platform-users/update-platform-user.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  displayName,
  email,
  newPassword,
  roleIds,
  toUserAnswer,
  userAnswer,
  userParams,
} from './platform-user-schemas.ts';

export const updateUserRoute = defineRoute({
  method: 'put',
  path: '/api/v1/platform/users/:id',
  operationId: 'updatePlatformUser',
  summary: 'Change a platform user',
  description:
    'Only named fields change. Roles and status apply from the next request; deactivation and a new password end all sessions of the user. Setting a password, and marking a break-glass account, needs a super-admin. Of an account of the identity provider only `is_active` changes. The caller must hold every permission of the user, cannot deactivate themselves, and cannot demote the last super-admin.',
  access: platformCaller('platform:users:manage'),
  params: userParams,
  query: noQuery,
  body: z
    .strictObject({
      name: displayName,
      email,
      password: newPassword,
      is_active: z.boolean(),
      role_ids: roleIds,
      is_break_glass: z.boolean(),
    })
    .partial()
    .refine((body) => Object.keys(body).length > 0, 'must change something'),
  success: { 200: 'The user as it is now.' },
  answer: userAnswer,
  errors: [
    'STEP_UP_REQUIRED',
    'USER_NOT_FOUND',
    'EMAIL_ALREADY_EXISTS',
    'LAST_SUPER_ADMIN',
    'SELF_ACTION_FORBIDDEN',
    'MANAGED_BY_PROVIDER',
  ],
  async handle(parts: PlatformUserParts, { params, body, caller }) {
    const { is_active: isActive, role_ids: roleIds, name, email: address, password } = body;
    const user = await updatePlatformUser(parts, caller, params.id, {
      ...(name !== undefined && { name }),
      ...(address !== undefined && { email: address }),
      ...(password !== undefined && { password }),
      ...(isActive !== undefined && { isActive }),
      ...(roleIds !== undefined && { roleIds }),
      ...(body.is_break_glass !== undefined && { isBreakGlass: body.is_break_glass }),
    });
    return { status: 200, body: toUserAnswer(user) };
  },
});
