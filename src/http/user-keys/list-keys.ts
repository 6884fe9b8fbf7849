import { z } from 'zod';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import { listKeys } from '../../usecases/user-keys/list-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { cursorOf, pageLimit, toCursor } from '../cursor.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { environmentSlug, externalId, noBody, noParams } from './key-schemas.ts';

export const listKeysRoute = defineRoute({
  method: 'get',
  path: '/v1/flowplate/api-keys',
  operationId: 'listKeys',
  summary: 'List keys',
  description:
    'Newest first. `next_cursor` leads to the next page and stays good while keys are added; null on the last.',
  access: masterKey('keys:read'),
  params: noParams,
  query: z.strictObject({
    user_id: externalId.optional(),
    organization_id: externalId.optional(),
    environment: environmentSlug.optional(),
    status: keyFields.status.optional(),
    limit: pageLimit,
    cursor: cursorOf('key').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.strictObject({ data: z.array(z.strictObject(keyFields)), next_cursor: z.string().nullable() }),
  errors: [],
  async handle(parts: ReadParts, { query, caller }) {
    const { keys, hasMore } = await listKeys(parts, caller.principal, {
      userId: query.user_id,
      organizationId: query.organization_id,
      environment: query.environment,
      status: query.status,
      limit: query.limit,
      before: query.cursor,
    });
    const last = keys.at(-1);
    const now = parts.clock.now();
    return {
      status: 200,
      body: {
        data: keys.map((key) => toKeyAnswer(key, now)),
        next_cursor: hasMore && last !== undefined ? toCursor(last.key.id) : null,
      },
    };
  },
});
