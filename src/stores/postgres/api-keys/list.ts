import { type RawBuilder, sql } from 'kysely';
import type { ApiKey } from '../../../domain/api-key.ts';
import { type Page, toPage } from '../../../domain/page.ts';
import type { Db } from '../database.ts';
import { type ApiKeyReach, apiKeyColumns, toApiKey } from './api-keys.ts';
import {
  type ApiKeyFilter,
  after,
  type Condition,
  indexedConditions,
  isFoundByIndex,
  isNameAlone,
  nameInIndex,
  otherConditions,
  placeConditions,
} from './filter.ts';
import { findRareTrigrams, hasTrigrams, walkNames } from './names.ts';

/** `next`: the key after which the next page begins; null when nothing follows. */
type ApiKeyPage = Page<ApiKey>;

/**
 * Maximum rows examined for one page, some 10 ms. A filter that few of the newest keys pass ends
 * the page early, with a position to continue from.
 */
const examinedMax = 5_000;
const examinedWithUseMax = 2_000;

/**
 * Maximum keys from an index that are sorted at once. Beyond it, the newest keys are walked
 * instead.
 */
const foundMax = 2_000;

/**
 * Newest first, starting after the key `before`. A page may be shorter than `limit` while more
 * follow.
 */
export async function listApiKeys(
  db: Db,
  reach: ApiKeyReach,
  filter: ApiKeyFilter,
  { limit, before }: { limit: number; before: string | undefined },
): Promise<ApiKeyPage> {
  const place = all([...placeConditions(reach, filter), ...after(before)]);
  const indexed = indexedConditions(filter);
  const others = otherConditions(filter);
  const narrowing = [...indexed, ...others];
  // The names alone are quick to walk, without the keys.
  const isName = isNameAlone(reach, filter);
  const keys = examined(filter, place);
  const page = isName ? nothing : await walk(db, keys, narrowing, limit);
  if (page.next !== undefined || narrowing.length === 0) return page;
  const ids = isFoundByIndex(reach, filter)
    ? await findByIndex(db, reach, filter, [place, ...indexed])
    : undefined;
  if (ids === undefined) {
    if (isName) return walkNamed(db, place, all(narrowing), limit);
    return { ...page, next: await findLastExamined(db, keys) };
  }
  // Only the other conditions can still reject one.
  const newest = ids.sort().reverse();
  const candidates = others.length > 0 ? newest : newest.slice(0, limit + 1);
  return readPage(db, all([place, ...narrowing]), candidates, limit);
}

const nothing: ApiKeyPage = { items: [], next: undefined };

/**
 * Walks the newest keys of the place and collects the matching ones, until the page is full or
 * enough were examined.
 */
async function walk(
  db: Db,
  { keys, order }: Examined,
  narrowing: readonly Condition[],
  limit: number,
): Promise<ApiKeyPage> {
  const { rows } = await sql<Parameters<typeof toApiKey>[0]>`
    SELECT ${columns} FROM ${keys} AS api_keys
    WHERE ${all(narrowing)} ORDER BY ${order} LIMIT ${limit + 1}`.execute(db);
  return toPage(rows.map(toApiKey), limit, ({ id }) => id);
}

type Examined = { keys: RawBuilder<unknown>; order: RawBuilder<unknown>; max: number };

/** Newest keys of a place and status. The limit keeps the filters out of this query. */
function examined({ status, unusedSince, now }: ApiKeyFilter, place: Condition): Examined {
  const max = unusedSince === undefined ? examinedMax : examinedWithUseMax;
  const newest = (condition: Condition, order: RawBuilder<unknown>) =>
    sql`(SELECT ${columns}, name_key, superseded_until, quarantined_until FROM api_keys
      WHERE ${place} AND ${condition} ORDER BY ${order} LIMIT ${max})`;
  if (status === undefined) return { keys: newest(sql`true`, byId), order: byId, max };
  if (status === 'disabled') {
    return { keys: newest(sql`status = 'active' AND NOT enabled`, byId), order: byId, max };
  }
  if (status !== 'expired') return { keys: newest(hasStatus(status), byStatus), order: byStatus, max };
  const due = sql`(WITH due AS MATERIALIZED (
      SELECT ${columns}, name_key, superseded_until, quarantined_until FROM api_keys
      WHERE ${place} AND status = 'active' AND expires_at <= ${now})
    SELECT * FROM due)`;
  const both = sql`${newest(hasStatus('expired'), byStatus)} UNION ALL ${due}`;
  return { keys: sql`(SELECT * FROM (${both}) AS expired ORDER BY ${byId} LIMIT ${max})`, order: byId, max };
}

const byId = sql`id DESC`;
const byStatus = sql`status DESC, id DESC`;

/**
 * `>= x AND <= x` instead of `= x`. With `=` the planner expects scattered keys and walks all of
 * them; this order comes only from the index on the status.
 */
function hasStatus(status: string): Condition {
  return sql`status >= ${status} AND status <= ${status}`;
}

/** Where a walk that found too little has ended; undefined when it met them all. */
async function findLastExamined(db: Db, { keys, order, max }: Examined): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM ${keys} AS api_keys ORDER BY ${order} OFFSET ${max - 1} LIMIT 1`.execute(db);
  return rows[0]?.id;
}

/** Keys that the indexes find; undefined when there are too many. */
async function findByIndex(
  db: Db,
  reach: ApiKeyReach,
  filter: ApiKeyFilter,
  conditions: readonly Condition[],
): Promise<string[] | undefined> {
  const nameKey = nameInIndex(reach, filter);
  if (nameKey === undefined) return findIds(db, all(conditions));
  const trigrams = await findRareTrigrams(db, nameKey);
  if (trigrams !== undefined) return findIds(db, all([...conditions, hasTrigrams(trigrams)]));
  const { prefix, scope, expiresBefore } = filter;
  const isFoundOtherwise = [prefix, scope, expiresBefore].some((asked) => asked !== undefined);
  return isFoundOtherwise ? findIds(db, all(conditions)) : undefined;
}

/**
 * Ids from one index; undefined when there are too many. Materialized, so that the planner uses
 * that index.
 */
async function findIds(db: Db, condition: Condition): Promise<string[] | undefined> {
  const { rows } = await sql<{ id: string }>`
    WITH found AS MATERIALIZED (SELECT id FROM api_keys WHERE ${condition})
    SELECT id FROM found LIMIT ${foundMax + 1}`.execute(db);
  return rows.length > foundMax ? undefined : rows.map((row) => row.id);
}

/**
 * Walks names that are too common or too short for the index. A key deleted meanwhile is missing
 * from the page, and does not end it.
 */
async function walkNamed(db: Db, place: Condition, passing: Condition, limit: number): Promise<ApiKeyPage> {
  const { ids, last } = await walkNames(db, { place, passing, limit: limit + 1 });
  if (ids.length === 0) return { items: [], next: last ?? undefined };
  const { items } = await readPage(db, place, ids.slice(0, limit), limit);
  return { items, next: (ids.length > limit ? ids[limit - 1] : last) ?? undefined };
}

async function readPage(
  db: Db,
  condition: Condition,
  ids: readonly string[],
  limit: number,
): Promise<ApiKeyPage> {
  const { rows } = await sql<Parameters<typeof toApiKey>[0]>`
    SELECT ${columns} FROM api_keys
    WHERE ${condition} AND id = ANY(${ids}::text[]) ORDER BY id DESC LIMIT ${limit + 1}`.execute(db);
  return toPage(rows.map(toApiKey), limit, ({ id }) => id);
}

const columns = sql.join(apiKeyColumns.map((column) => sql.ref(column)));

function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` AND `)})`;
}
