import { z } from 'zod';
import { listEnvironments } from '../../usecases/environments/list-environments.ts';
import { organizationCaller } from '../access/organization-caller.ts';
import { cursorOf, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { environmentFields, toEnvironmentAnswer } from './environment-schemas.ts';

export const listEnvironmentsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/environments',
  operationId: 'listEnvironments',
  summary: 'List environments',
  description: 'Those of one organization, newest first; every organization has `default`.',
  access: organizationCaller('read'),
  params: noParams,
  query: z.strictObject({ limit: pageLimit, cursor: cursorOf('environment').optional() }),
  body: noBody,
  success: { 200: 'A page of environments.' },
  answer: z.strictObject({
    data: z.array(z.strictObject(environmentFields)),
    next_cursor: z.string().nullable(),
  }),
  errors: [],
  async handle(parts: Parameters<typeof listEnvironments>[0], { query, caller }) {
    const { items, next } = await listEnvironments(parts, caller.principal, {
      limit: query.limit,
      before: query.cursor,
    });
    return {
      status: 200,
      body: {
        data: items.map(toEnvironmentAnswer),
        next_cursor: next === undefined ? null : toCursor(next),
      },
    };
  },
});
