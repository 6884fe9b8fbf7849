import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { bootstrapApiUsers } from '../../usecases/api-users/bootstrap-api-users.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdApiUserAnswer, newAdminBody, toCreatedAnswer } from './api-user-schemas.ts';

export const bootstrapApiUsersRoute = defineRoute({
  method: 'post',
  path: '/users/bootstrap',
  operationId: 'bootstrapApiUsers',
  summary: 'Create the first API user',
  description:
    'Creates a user with the role `admin`, who creates all others. Works only while there is no active admin; of several requests at once one succeeds.',
  access: platformCaller('super-admin'),
  params: noParams,
  query: noQuery,
  body: newAdminBody,
  success: { 201: 'Created. The secret is in this answer and nowhere else.' },
  answer: createdApiUserAnswer,
  errors: ['ALREADY_BOOTSTRAPPED'],
  idempotent: true,
  async handle(parts: ApiUserParts, { body, caller, idempotency }) {
    const wanted = { name: body.name, email: body.email ?? null };
    return toCreatedAnswer(await bootstrapApiUsers(parts, caller, wanted, idempotency));
  },
});
