import { z } from 'zod';
import { userSorts } from '../../domain/platform-user.ts';
import { listPlatformUsers, type UserOrder } from '../../usecases/platform-users/list-platform-users.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { nextPage, pageLimit } from '../cursor.ts';
import { name, noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toUserCursor, userCursor } from './platform-user-cursor.ts';
import { toUserAnswer, userAnswer } from './platform-user-schemas.ts';

const path = '/api/v1/platform/users';

const query = z
  .strictObject({
    search: name.optional().describe('Substring of the name or the e-mail address'),
    is_active: z.enum(['true', 'false']).optional(),
    sort: z.enum(userSorts).default('created'),
    order: z
      .enum(['asc', 'desc'])
      .optional()
      .describe('`asc` by default, and `desc` by `created`. Users without a login are last in both'),
    limit: pageLimit,
    cursor: userCursor.optional(),
  })
  .refine((asked) => asked.cursor === undefined || isSame(asked.cursor.order, orderOf(asked)), {
    path: ['cursor'],
    message: 'belongs to another sort order',
  });

export const listUsersRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listPlatformUsers',
  summary: 'List platform users',
  description:
    'Newest first unless `sort` says otherwise, as a bare array; the next page is in the `Link` header.',
  access: platformCaller('platform:users:read'),
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of users.' },
  answer: z.array(userAnswer),
  errors: [],
  async handle(parts: Parameters<typeof listPlatformUsers>[0], { query: asked }) {
    const { cursor, ...page } = asked;
    const order = orderOf(page);
    const { items, next } = await listPlatformUsers(parts, {
      search: page.search,
      isActive: page.is_active === undefined ? undefined : page.is_active === 'true',
      order,
      limit: page.limit,
      after: cursor?.place,
    });
    return {
      status: 200,
      body: items.map(toUserAnswer),
      ...nextPage(path, page, next && toUserCursor(order, next)),
    };
  },
});

type Sorted = { sort: UserOrder['by']; order?: 'asc' | 'desc' | undefined };

function orderOf({ sort, order = sort === 'created' ? 'desc' : 'asc' }: Sorted): UserOrder {
  return { by: sort, isDescending: order === 'desc' };
}

function isSame(one: UserOrder, other: UserOrder): boolean {
  return one.by === other.by && one.isDescending === other.isDescending;
}
