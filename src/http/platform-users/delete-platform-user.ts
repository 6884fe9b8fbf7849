import { z } from 'zod';
import { deletePlatformUser } from '../../usecases/platform-users/delete-platform-user.ts';
import type { PlatformUserParts } from '../../usecases/platform-users/platform-user-parts.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { userParams } from './platform-user-schemas.ts';

export const deleteUserRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/users/:id',
  operationId: 'deletePlatformUser',
  summary: 'Delete a platform user',
  description:
    'Permanent. All sessions of the user end; their actions stay in the audit log. Users cannot delete themselves, and the last super-admin cannot be deleted.',
  access: platformCaller('super-admin'),
  params: userParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string() }),
  errors: ['USER_NOT_FOUND', 'LAST_SUPER_ADMIN', 'SELF_ACTION_FORBIDDEN'],
  async handle(parts: PlatformUserParts, { params, caller }) {
    await deletePlatformUser(parts, caller, params.id);
    return { status: 200, body: { success: true as const, deleted: params.id } };
  },
});
