import type { ReadApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { getApiUser } from '../../usecases/api-users/get-api-user.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { apiUserAnswer, apiUserParams, toApiUserAnswer } from './api-user-schemas.ts';

export const getApiUserRoute = defineRoute({
  method: 'get',
  path: '/users/:id',
  operationId: 'getApiUser',
  summary: 'Look at one API user',
  description: 'With its usage, which carries over rotations of its key.',
  access: apiUserAdmin(),
  params: apiUserParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The user.' },
  answer: apiUserAnswer,
  errors: ['USER_NOT_FOUND'],
  async handle(parts: ReadApiUserParts, { params }) {
    const found = await getApiUser(parts, params.id);
    return { status: 200, body: toApiUserAnswer(found, parts.clock.now()) };
  },
});
