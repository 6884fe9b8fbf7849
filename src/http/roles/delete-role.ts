import { z } from 'zod';
import { deleteRole } from '../../usecases/roles/delete-role.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { roleParams } from './role-schemas.ts';

export const deleteRoleRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/roles/:id',
  operationId: 'deleteRole',
  summary: 'Delete a role',
  description: 'Works while no user and no working platform key has it.',
  access: platformCaller('platform:roles:manage'),
  params: roleParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string() }),
  errors: ['ROLE_NOT_FOUND', 'ROLE_IN_USE', 'ROLE_IMMUTABLE'],
  async handle(parts: Parameters<typeof deleteRole>[0], { params, caller }) {
    await deleteRole(parts, caller, params.id);
    return { status: 200, body: { success: true as const, deleted: params.id } };
  },
});
