import type { ApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { createApiUser } from '../../usecases/api-users/create-api-user.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdApiUserAnswer, newApiUserBody, toCreatedAnswer } from './api-user-schemas.ts';

export const createApiUserRoute = defineRoute({
  method: 'post',
  path: '/users',
  operationId: 'createApiUser',
  summary: 'Create an API user',
  description: 'Returns its API key, which works at once and is shown only here.',
  access: apiUserAdmin(),
  params: noParams,
  query: noQuery,
  body: newApiUserBody,
  success: { 201: 'Created. The secret is in this answer and nowhere else.' },
  answer: createdApiUserAnswer,
  errors: [],
  idempotent: true,
  async handle(parts: ApiUserParts, { body, caller, idempotency }) {
    const wanted = { name: body.name, email: body.email ?? null, role: body.role ?? ('user' as const) };
    return toCreatedAnswer(await createApiUser(parts, caller, wanted, idempotency));
  },
});
