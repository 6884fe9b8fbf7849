import { z } from 'zod';
import type { ReadParts } from '../../../usecases/user-keys/key-with-usage.ts';
import { listKeys } from '../../../usecases/user-keys/list-keys.ts';
import { platformCaller } from '../../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../../cursor.ts';
import { defineRoute } from '../../route.ts';
import { keyFields, toKeyAnswer } from '../key-answers.ts';
import { environmentSlug, externalId, noBody, noParams } from '../key-schemas.ts';

const path = '/api/v1/platform/hidden-keys';

/** `fl_user_{environment}_{8}` or its beginning. More of a key than that is a part of its secret, which belongs into no URL. */
const prefixPattern = /^(?!fl_user_[a-z0-9]{1,16}_[0-9A-Za-z]{9})[0-9A-Za-z_]{1,33}$/;

export const listKeysForPlatformRoute = defineRoute({
  method: 'get',
  path,
  operationId: 'listHiddenKeys',
  summary: 'List hidden user keys',
  description:
    'The keys that backends mint for users and that no tenant sees, newest first. The next page is in `Link`.',
  access: platformCaller('platform:hidden_keys:read'),
  params: noParams,
  query: z.strictObject({
    user_id: externalId.optional(),
    organization_id: externalId.optional(),
    environment: environmentSlug.optional(),
    status: keyFields.status.optional(),
    prefix: z
      .string()
      .regex(prefixPattern, 'must be the beginning of a key_prefix, never more of a key')
      .optional()
      .describe('What `key_prefix` begins with'),
    limit: pageLimit,
    cursor: cursorOf('key').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.array(z.strictObject(keyFields)),
  errors: [],
  async handle(parts: ReadParts, { query, caller }) {
    const { cursor, ...narrowed } = query;
    const { keys, hasMore } = await listKeys(parts, caller.principal, {
      userId: query.user_id,
      organizationId: query.organization_id,
      environment: query.environment,
      status: query.status,
      prefix: query.prefix,
      limit: query.limit,
      before: cursor,
    });
    const last = keys.at(-1);
    const now = parts.clock.now();
    return {
      status: 200,
      body: keys.map((key) => toKeyAnswer(key, now)),
      ...nextPage(path, narrowed, hasMore && last !== undefined ? toCursor(last.key.id) : undefined),
    };
  },
});
