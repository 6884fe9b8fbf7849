import { z } from 'zod';
import type { ReadApiUserParts } from '../../usecases/api-users/api-user-parts.ts';
import { listApiUsers } from '../../usecases/api-users/list-api-users.ts';
import { apiUserAdmin } from '../access/api-user.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { apiUserAnswer, toApiUserAnswer } from './api-user-schemas.ts';

export const listApiUsersRoute = defineRoute({
  method: 'get',
  path: '/users',
  operationId: 'listApiUsers',
  summary: 'List API users',
  description: 'Newest first, each with its usage. The next page is in the `Link` header.',
  access: apiUserAdmin(),
  params: noParams,
  query: z.strictObject({ limit: pageLimit, cursor: cursorOf('apiUser').optional() }),
  body: noBody,
  success: { 200: 'A page of users.' },
  answer: z.array(apiUserAnswer),
  errors: [],
  async handle(parts: ReadApiUserParts, { query: { limit, cursor } }) {
    const { items, next } = await listApiUsers(parts, { limit, before: cursor });
    const now = parts.clock.now();
    return {
      status: 200,
      body: items.map((user) => toApiUserAnswer(user, now)),
      ...nextPage('/users', { limit }, next && toCursor(next)),
    };
  },
});
