import { z } from 'zod';
import { deleteOperator } from '../../usecases/operators/delete-operator.ts';
import type { OperatorParts } from '../../usecases/operators/operator-parts.ts';
import { operator } from '../access/operator.ts';
import { noBody, noQuery } from '../flowplate/key-schemas.ts';
import { defineRoute } from '../route.ts';
import { userParams } from './user-schemas.ts';

export const deleteUserRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/users/:id',
  operationId: 'deletePlatformUser',
  summary: 'Delete a platform user',
  description:
    'For good, and every session ends; what the user did stays in the audit log. Nobody deletes themselves, and the last super-admin stays.',
  access: operator('super-admin'),
  params: userParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string() }),
  errors: ['USER_NOT_FOUND', 'LAST_SUPER_ADMIN', 'SELF_ACTION_FORBIDDEN'],
  async handle(parts: OperatorParts, { params, caller }) {
    await deleteOperator(parts, caller, params.id);
    return { status: 200, body: { success: true as const, deleted: params.id } };
  },
});
