import { z } from 'zod';
import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { type ApiUserChanges, updateApiUser } from '../../usecases/api-users/update-api-user.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import {
  apiUserAnswer,
  apiUserChangesBody,
  apiUserParams,
  pendingFields,
  pendingMeans,
  settled,
  toApiUserAnswer,
} from './api-user-schemas.ts';

export const updateApiUserRoute = defineRoute({
  method: 'patch',
  path: '/users/:id',
  operationId: 'updateApiUser',
  summary: 'Change an API user',
  description:
    'Only named fields change. `is_active: false` disables the key at once, `true` enables the same key again. Admins cannot demote or deactivate themselves, so that one always remains.',
  access: apiUserAdmin(),
  params: apiUserParams,
  query: noQuery,
  body: apiUserChangesBody,
  success: { 200: 'Changed.', 202: pendingMeans },
  answer: z.strictObject({ ...apiUserAnswer.shape, ...pendingFields }),
  errors: ['USER_NOT_FOUND', 'SELF_ACTION_FORBIDDEN'],
  async handle(parts: ApiUserParts, { params, body, caller }) {
    const { propagation, ...updated } = await updateApiUser(parts, caller, params.id, toChanges(body));
    return settled(propagation, toApiUserAnswer(updated, parts.clock.now()));
  },
});

function toChanges(body: z.output<typeof apiUserChangesBody>): ApiUserChanges {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.email !== undefined && { email: body.email }),
    ...(body.role !== undefined && { role: body.role }),
    ...(body.is_active !== undefined && { isActive: body.is_active }),
  };
}
