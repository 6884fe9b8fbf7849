import { z } from 'zod';
import { type HygieneQuestion, hygieneFindings } from '../../domain/hygiene.ts';
import { numberRanges, type Range } from '../../domain/number-ranges.ts';
import type { Caller } from '../../domain/principal.ts';
import type { ExportKeysParts } from '../../usecases/user-keys/keys-page.ts';
import { exportHygiene, type HygieneItem, reportHygiene } from '../../usecases/user-keys/report-hygiene.ts';
import { masterKey } from '../access/master-key.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { environmentSlug, externalId, noBody, noParams, timestampText } from '../fields.ts';
import { queryNumber } from '../query-number.ts';
import { defineRoute } from '../route.ts';
import type { CsvAnswer } from '../send-answer.ts';
import { keyFields, toKeyAnswer } from './key-answers.ts';
import { keysAsCsv } from './keys-as-csv.ts';

const platformPath = '/api/v1/platform/hidden-keys/hygiene';

/** The platform's list is a bare array, so what is true of all of it is a header. */
const sinceHeader = 'x-flowplate-scopes-recorded-since';

const days = (unlessSet: number, { min, max }: Range = numberRanges.hygieneDays) =>
  queryNumber({ min, max, message: `must be a number of days from ${min} to ${max}` }).default(unlessSet);

const query = z.strictObject({
  finding: z.enum(hygieneFindings).optional().describe('One of them alone; all unless set'),
  unused_days: days(90).describe('Without an accepted call for so long: `never_used` and `unused`'),
  expiring_days: days(30).describe('`expiring` and `rotation_due` within so many days'),
  age_days: days(365).describe('`beyond_age`: the secret was issued longer ago'),
  unasked_days: days(30, numberRanges.unaskedDays).describe(
    '`scope_unasked`: no gateway asked for the scope for so long',
  ),
  user_id: externalId.optional(),
  organization_id: externalId.optional(),
  environment: environmentSlug.optional(),
  limit: pageLimit,
  cursor: cursorOf('key').optional(),
});

type Asked = z.output<typeof query>;

const predecessorUse = z.strictObject({
  key_id: z.string().describe('The superseded key'),
  key_prefix: z.string(),
  superseded_until: timestampText.describe('When its grace ends'),
  master_key_id: z.string().describe('The gateway that asked'),
  first_used_at: timestampText.describe('First accepted use through this gateway since it was superseded'),
  last_used_at: timestampText,
});

const scopesRecordedSince = timestampText.nullable();

const item = z.strictObject({
  ...keyFields,
  findings: z.array(z.enum(hygieneFindings)).describe('Expect further ones'),
  rotation_due_at: timestampText
    .nullable()
    .describe(
      'When it reaches the longest age that its organization or its master key sets; null without one',
    ),
  predecessor_uses: z
    .array(predecessorUse)
    .describe('Who still uses a key that this one took the place of, by gateway, the latest first'),
  unasked_scopes: z
    .array(z.string())
    .nullable()
    .describe(
      'Its scopes that no gateway asked for in `unasked_days`, of any key of its organization. Null when that cannot be said: the key is younger, the record begins later, or gateways ask for no scope at all in this organization',
    ),
  scopes_recorded_since: scopesRecordedSince.describe(
    "Since when all that gateways ask of its organization's keys is recorded; null: not yet",
  ),
});

const description =
  'Active keys that somebody should look at, newest first, each with everything that was found: never used, unused for long, ending soon, without an end, older than keys should be, due for a refresh, refreshed while a gateway still accepts its predecessor, or with scopes that no gateway asks for. It changes nothing. A use is known some seconds later. A page may have fewer keys than `limit`, or none, and lead to a next one: then many keys were looked at for it. With `Accept: text/csv` all of them come in one file.';

const reportsHygiene = {
  method: 'get',
  description,
  params: noParams,
  query,
  body: noBody,
  success: { 200: 'A page of keys.' },
  csv: true,
  errors: [],
} as const;

export const reportHygieneRoute = defineRoute({
  ...reportsHygiene,
  path: '/v1/flowplate/api-keys/hygiene',
  operationId: 'reportHygiene',
  summary: 'Keys that need attention',
  access: masterKey('keys:read'),
  answer: z.strictObject({
    data: z.array(item),
    next_cursor: z.string().nullable(),
    scopes_recorded_since: scopesRecordedSince.describe(
      'Of all organizations, or of the one that is asked about. `scope_unasked` is found from `unasked_days` after it on',
    ),
  }),
  async handle(parts: ExportKeysParts, { query, caller, wantsCsv }) {
    if (wantsCsv) return csvOf(parts, caller, query);
    const { data, nextCursor, recordedSince } = await readPage(parts, caller, query);
    const body = { data, next_cursor: nextCursor ?? null, scopes_recorded_since: recordedSince };
    return { status: 200, body };
  },
});

export const reportHygieneForPlatformRoute = defineRoute({
  ...reportsHygiene,
  description: `${description} The header \`${sinceHeader}\` says since when scopes that gateways ask for are recorded; it is absent before that.`,
  path: platformPath,
  operationId: 'reportHiddenHygiene',
  summary: 'Hidden user keys that need attention',
  access: platformCaller('platform:hidden_keys:read', 'confined'),
  answer: z.array(item),
  async handle(parts: ExportKeysParts, { query, caller, wantsCsv }) {
    if (wantsCsv) return csvOf(parts, caller, query);
    const { cursor: _, ...narrowed } = query;
    const { data, nextCursor, recordedSince } = await readPage(parts, caller, query);
    const { headers } = nextPage(platformPath, narrowed, nextCursor);
    return { status: 200, body: data, headers: { ...headers, ...toldSince(recordedSince) } };
  },
});

const dayMs = 86_400_000;

function toldSince(recordedSince: string | null): Record<string, string> {
  return recordedSince === null ? {} : { [sinceHeader]: recordedSince };
}

function questionOf(asked: Asked, now: Date): HygieneQuestion {
  const at = (daysFromNow: number) => new Date(now.getTime() + daysFromNow * dayMs);
  return {
    findings: asked.finding === undefined ? hygieneFindings : [asked.finding],
    unusedSince: at(-asked.unused_days),
    expiresBefore: at(asked.expiring_days),
    createdBefore: at(-asked.age_days),
    unaskedSince: at(-asked.unasked_days),
    now,
  };
}

function toSelection({ user_id, organization_id, environment }: Asked, hygiene: HygieneQuestion) {
  return { userId: user_id, organizationId: organization_id, environment, hygiene };
}

async function readPage(parts: ExportKeysParts, { principal }: Caller, asked: Asked) {
  const now = parts.clock.now();
  const hygiene = questionOf(asked, now);
  const page = { ...toSelection(asked, hygiene), limit: asked.limit, before: asked.cursor };
  const { items, next, scopesRecordedSince } = await reportHygiene(parts, principal, page);
  return {
    data: items.map((found) => toItemAnswer(found, now)),
    nextCursor: next && toCursor(next),
    recordedSince: scopesRecordedSince?.toISOString() ?? null,
  };
}

function toItemAnswer(found: HygieneItem, now: Date) {
  return {
    ...toKeyAnswer(found, now),
    findings: found.findings,
    rotation_due_at: found.rotationDueAt?.toISOString() ?? null,
    predecessor_uses: found.predecessorUses.map((use) => ({
      key_id: use.keyId,
      key_prefix: use.keyPrefix,
      superseded_until: use.supersededUntil.toISOString(),
      master_key_id: use.masterKeyId,
      first_used_at: use.firstUsedAt.toISOString(),
      last_used_at: use.lastUsedAt.toISOString(),
    })),
    unasked_scopes: found.unaskedScopes,
    scopes_recorded_since: found.scopesRecordedSince?.toISOString() ?? null,
  };
}

function csvOf(parts: ExportKeysParts, { principal }: Caller, asked: Asked): CsvAnswer {
  const hygiene = questionOf(asked, parts.clock.now());
  const pages = exportHygiene(parts, principal, toSelection(asked, hygiene));
  return { csv: keysAsCsv(pages, () => parts.clock.now(), moreColumns) };
}

const moreColumns: Record<string, (found: HygieneItem) => string> = {
  rotation_due_at: ({ rotationDueAt }) => rotationDueAt?.toISOString() ?? '',
  predecessor_gateways: ({ predecessorUses }) =>
    [...new Set(predecessorUses.map(({ masterKeyId }) => masterKeyId))].join(' '),
  predecessor_used_at: ({ predecessorUses: [latest] }) => latest?.lastUsedAt.toISOString() ?? '',
  unasked_scopes: ({ unaskedScopes }) => unaskedScopes?.join(' ') ?? '',
  scopes_recorded_since: ({ scopesRecordedSince: since }) => since?.toISOString() ?? '',
  findings: ({ findings }) => findings.join(' '),
};
