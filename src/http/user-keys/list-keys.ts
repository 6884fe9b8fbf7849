import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import { listKeys } from '../../usecases/user-keys/list-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { environmentSlug, externalId, noBody, noParams } from '../fields.ts';
import { masterKeyId } from '../master-keys/master-key-schemas.ts';
import { defineRoute } from '../route.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';

const platformPath = '/api/v1/platform/hidden-keys';

/**
 * `fl_user_{environment}_{8}` or a prefix of it. More would be a part of the secret, which must not
 * be in a URL.
 */
const prefixPattern = /^(?!fl_user_[a-z0-9]{1,16}_[0-9A-Za-z]{9})[0-9A-Za-z_]{1,33}$/;

const filters = {
  user_id: externalId.optional(),
  organization_id: externalId.optional(),
  environment: environmentSlug.optional(),
  status: keyFields.status.optional(),
  minted_by: masterKeyId.shape.id.optional().describe('Id of a master key'),
  limit: pageLimit,
  cursor: cursorOf('key').optional(),
};
const query = z.strictObject(filters);

export const listKeysRoute = defineRoute({
  method: 'get',
  path: '/v1/flowplate/api-keys',
  operationId: 'listKeys',
  summary: 'List keys',
  description:
    'Newest first. `next_cursor` leads to the next page and stays valid while keys are added; null on the last page.',
  access: masterKey('keys:read'),
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.strictObject({ data: z.array(z.strictObject(keyFields)), next_cursor: z.string().nullable() }),
  errors: [],
  async handle(parts: ReadParts, { query, caller }) {
    const { data, nextCursor } = await readPage(parts, caller, query);
    return { status: 200, body: { data, next_cursor: nextCursor ?? null } };
  },
});

export const listKeysForPlatformRoute = defineRoute({
  method: 'get',
  path: platformPath,
  operationId: 'listHiddenKeys',
  summary: 'List hidden user keys',
  description:
    'The keys that backends mint for users and that no tenant sees, newest first. The next page is in `Link`.',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
  params: noParams,
  query: z.strictObject({
    ...filters,
    prefix: z
      .string()
      .regex(prefixPattern, 'must be the beginning of a key_prefix, never more of a key')
      .optional()
      .describe('Prefix of `key_prefix`'),
  }),
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.array(z.strictObject(keyFields)),
  errors: [],
  async handle(parts: ReadParts, { query, caller }) {
    const { cursor: _, ...narrowed } = query;
    const { data, nextCursor } = await readPage(parts, caller, query);
    return { status: 200, body: data, ...nextPage(platformPath, narrowed, nextCursor) };
  },
});

async function readPage(
  parts: ReadParts,
  caller: Caller,
  asked: z.output<typeof query> & { prefix?: string | undefined },
) {
  const { items, next } = await listKeys(parts, caller.principal, {
    userId: asked.user_id,
    organizationId: asked.organization_id,
    environment: asked.environment,
    status: asked.status,
    mintedBy: asked.minted_by,
    prefix: asked.prefix,
    limit: asked.limit,
    before: asked.cursor,
  });
  const now = parts.clock.now();
  return {
    data: items.map((key) => toKeyAnswer(key, now)),
    nextCursor: next && toCursor(next),
  };
}
