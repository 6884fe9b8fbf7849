import { z } from 'zod';
import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { deleteApiUser } from '../../usecases/api-users/delete-api-user.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { reasonFields, reasonOf } from '../revocation-reason.ts';
import { defineRoute } from '../route.ts';
import { apiUserParams, pendingFields, pendingMeans, settled } from './api-user-schemas.ts';

export const deleteApiUserRoute = defineRoute({
  method: 'delete',
  path: '/users/:id',
  operationId: 'deleteApiUser',
  summary: 'Delete an API user',
  description:
    "The user's key is refused from now on. Users cannot delete themselves, so that one admin always remains.",
  access: apiUserAdmin(),
  params: apiUserParams,
  query: reasonFields,
  body: reasonFields,
  success: { 200: 'Deleted.', 202: pendingMeans },
  answer: z.strictObject({ success: z.literal(true), deleted: z.string(), ...pendingFields }),
  errors: ['USER_NOT_FOUND', 'SELF_ACTION_FORBIDDEN'],
  async handle(parts: ApiUserParts, { params, caller, ...given }) {
    const propagation = await deleteApiUser(parts, caller, params.id, reasonOf(given));
    return settled(propagation, { success: true as const, deleted: params.id });
  },
});
