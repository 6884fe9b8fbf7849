import { z } from 'zod';
import { listOperators } from '../../usecases/operators/list-operators.ts';
import { operator } from '../access/operator.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../flowplate/key-schemas.ts';
import { defineRoute } from '../route.ts';
import { toUserAnswer, userAnswer } from './user-schemas.ts';

const path = '/api/v1/platform/users';

export const listUsersRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listPlatformUsers',
  summary: 'List platform users',
  description: 'Newest first, as a bare array; the next page is in the `Link` header.',
  access: operator('platform:users:read'),
  params: noParams,
  query: z.strictObject({
    search: z.string().min(1).max(200).optional().describe('A part of the name or the e-mail address'),
    is_active: z.enum(['true', 'false']).optional(),
    limit: pageLimit,
    cursor: cursorOf('platformUser').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of users.' },
  answer: z.array(userAnswer),
  errors: [],
  async handle(parts: Parameters<typeof listOperators>[0], { query }) {
    const { cursor, ...page } = query;
    const { users, hasMore } = await listOperators(parts, {
      search: page.search,
      isActive: page.is_active === undefined ? undefined : page.is_active === 'true',
      limit: page.limit,
      before: cursor,
    });
    const last = hasMore ? users.at(-1) : undefined;
    return {
      status: 200,
      body: users.map(toUserAnswer),
      ...nextPage(path, page, last && toCursor(last.id)),
    };
  },
});
