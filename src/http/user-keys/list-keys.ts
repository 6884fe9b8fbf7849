import { z } from 'zod';
import type { Caller } from '../../domain/principal.ts';
import { exportKeys } from '../../usecases/user-keys/export-keys.ts';
import type { ReadParts } from '../../usecases/user-keys/key-with-usage.ts';
import type { ExportKeysParts, KeySelection } from '../../usecases/user-keys/keys-page.ts';
import { listKeys } from '../../usecases/user-keys/list-keys.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, noParams } from '../fields.ts';
import { defineRoute } from '../route.ts';
import type { CsvAnswer } from '../send-answer.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { listFilters, toSelection } from './key-filters.ts';
import { keysAsCsv } from './keys-as-csv.ts';

const platformPath = '/api/v1/platform/hidden-keys';

const query = z.strictObject({
  ...listFilters,
  status: z.enum(['active', 'disabled', 'superseded', 'quarantined', 'revoked', 'expired']).optional(),
  limit: pageLimit,
  cursor: cursorOf('key').optional(),
});

const pagesAndCsv =
  'A page may have fewer keys than `limit`, or none, and lead to a next one: then many keys were looked at for it. With `Accept: text/csv` all keys of the filter come in one file, without pages; if it fails midway, the connection is closed without a proper end. A process runs two exports at once; more are refused with 503 `OVERLOADED`.';

export const listKeysRoute = defineRoute({
  method: 'get',
  path: '/v1/flowplate/api-keys',
  operationId: 'listKeys',
  summary: 'List keys',
  description: `Newest first. \`next_cursor\` leads to the next page and stays valid while keys are added; null on the last page. ${pagesAndCsv}`,
  access: masterKey('keys:read'),
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.strictObject({ data: z.array(z.strictObject(keyFields)), next_cursor: z.string().nullable() }),
  csv: true,
  errors: [],
  async handle(parts: ExportKeysParts, { query, caller, wantsCsv }) {
    if (wantsCsv) return csvOf(parts, caller, query);
    const { data, nextCursor } = await readPage(parts, caller, query);
    return { status: 200, body: { data, next_cursor: nextCursor ?? null } };
  },
});

export const listKeysForPlatformRoute = defineRoute({
  method: 'get',
  path: platformPath,
  operationId: 'listHiddenKeys',
  summary: 'List hidden user keys',
  description: `The keys that backends mint for users and that no tenant sees, newest first. The next page is in \`Link\`. ${pagesAndCsv}`,
  access: platformCaller('platform:hidden_keys:read', 'confined'),
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of keys.' },
  answer: z.array(z.strictObject(keyFields)),
  csv: true,
  errors: [],
  async handle(parts: ExportKeysParts, { query, caller, wantsCsv }) {
    if (wantsCsv) return csvOf(parts, caller, query);
    const { cursor: _, ...narrowed } = query;
    const { data, nextCursor } = await readPage(parts, caller, query);
    return { status: 200, body: data, ...nextPage(platformPath, narrowed, nextCursor) };
  },
});

type Asked = z.output<typeof query>;

function toFilter({ limit: _, cursor: __, status, ...filters }: Asked): KeySelection {
  return { ...toSelection(filters), status };
}

function csvOf(parts: ExportKeysParts, { principal }: Caller, asked: Asked): CsvAnswer {
  return { csv: keysAsCsv(exportKeys(parts, principal, toFilter(asked)), () => parts.clock.now()) };
}

async function readPage(parts: ReadParts, { principal }: Caller, asked: Asked) {
  const page = { ...toFilter(asked), limit: asked.limit, before: asked.cursor };
  const { items, next } = await listKeys(parts, principal, page);
  const now = parts.clock.now();
  return {
    data: items.map((key) => toKeyAnswer(key, now)),
    nextCursor: next && toCursor(next),
  };
}
