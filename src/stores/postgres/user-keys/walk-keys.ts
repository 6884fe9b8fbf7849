import { sql } from 'kysely';
import { idFloor, idPrefixes, sameMoment } from '../../../domain/ids.ts';
import type { Key } from '../../../domain/user-key.ts';
import type { Db } from '../database.ts';
import { isWalked } from './key-conditions.ts';
import { type KeyFilter, keysWhere, listKeys } from './user-keys.ts';

/** Ids from `from`, or from the first one, up to `below`. */
type IdRange = { from: string | undefined; below: string };

const sizeMin = 2_000;
/** 100,000 keys with their last uses are read in 0.2 s. A statement may take 0.8 s. */
const sizeMax = 100_000;
const stepMs = 200;
/** Sorts after the id of every user key, and of no other. */
const afterEveryId = `${idPrefixes.key}~`;

/**
 * Keys of any filter, newest first, in bounded statements. `next`: where the page after this one
 * begins; undefined at the end. After `budgetMs` a page ends early, perhaps without a key: filters
 * that match one key in a million then cost several short reads, and no read that is cut short.
 */
export async function findKeys(
  db: Db,
  filter: KeyFilter,
  {
    limit,
    before,
    budgetMs = 1_000,
  }: { limit: number; before?: string | undefined; budgetMs?: number | undefined },
): Promise<{ keys: Key[]; next: string | undefined }> {
  const startedMs = performance.now();
  const keys: Key[] = [];
  for await (const { from, below } of idRanges(db, filter, { before })) {
    keys.push(...(await listKeys(db, { ...filter, from }, limit + 1 - keys.length, below)));
    if (keys.length > limit) return { keys: keys.slice(0, limit), next: keys[limit - 1]?.id };
    if (from !== undefined && performance.now() - startedMs > budgetMs) return { keys, next: from };
  }
  return { keys, next: undefined };
}

export type KeyCount = { count: number; newestMintNumber: number | null };

/** How many keys a filter has, and the highest of their mint numbers. */
export async function countKeys(db: Db, filter: KeyFilter): Promise<KeyCount> {
  const sum: KeyCount = { count: 0, newestMintNumber: null };
  for await (const { from, below } of idRanges(db, filter, { isWhole: true })) {
    const { count, newest } = await keysWhere(db, { ...filter, from }, below)
      .select([sql<number>`count(*)`.as('count'), sql<number | null>`max(mint_number)`.as('newest')])
      .executeTakeFirstOrThrow();
    sum.count += count;
    if (newest !== null) sum.newestMintNumber = Math.max(sum.newestMintNumber ?? 0, newest);
  }
  return sum;
}

/** The same of those that were created since a time, by the index of their order. */
export function countRecentKeys(db: Db, filter: KeyFilter, since: Date): Promise<KeyCount> {
  const { createdAfter } = filter;
  return countKeys(db, {
    ...filter,
    createdAfter: createdAfter && createdAfter > since ? createdAfter : since,
  });
}

/**
 * The ids to look at, in ranges that grow while reading them is quick. One range for filters that
 * an index serves: the keys of a user, or the first page of a list.
 */
async function* idRanges(
  db: Db,
  filter: KeyFilter,
  { before = afterEveryId, isWhole = false }: { before?: string | undefined; isWhole?: boolean },
): AsyncGenerator<IdRange> {
  const isDirect = filter.userId !== undefined || !(isWalked(filter) || isWhole);
  const ends = [filter.createdBefore, filter.unusedSince].flatMap((at) => (at ? [idFloor('key', at)] : []));
  let [below = before] = [before, ...ends].sort();
  for (let size = sizeMin; ; ) {
    const startedMs = performance.now();
    const from = isDirect ? undefined : await findPlaceBelow(db, filter, below, size);
    yield { from, below };
    if (from === undefined) return;
    below = from;
    size = nextSize(size, performance.now() - startedMs);
  }
}

/**
 * As many keys as take `stepMs` at the pace of the last range, at most four times as many. A filter
 * that looks at several tables for each key takes ten times as long as one that looks at the key.
 */
function nextSize(size: number, tookMs: number): number {
  const factor = Math.min(stepMs / tookMs, 4);
  return Math.round(Math.max(sizeMin, Math.min(size * factor, sizeMax)));
}

/**
 * The place `size` keys below an id, among those that an index finds; undefined when so many are
 * not left. It is the beginning of a millisecond and no key: the caller may not see that one.
 */
async function findPlaceBelow(
  db: Db,
  { organizationId, mintedBy, createdAfter }: KeyFilter,
  below: string,
  size: number,
): Promise<string | undefined> {
  let query = db.selectFrom('api_keys').select('id').where('id', '<', below);
  query = query.where('id', '>=', createdAfter === undefined ? idPrefixes.key : idFloor('key', createdAfter));
  if (mintedBy !== undefined) query = query.where('minted_by', '=', mintedBy);
  else if (organizationId !== undefined) query = query.where('organization_id', '=', organizationId);
  if (mintedBy !== undefined || organizationId !== undefined) query = query.where('kind', '=', 'user');
  const row = await query
    .orderBy('id', 'desc')
    .offset(size - 1)
    .limit(1)
    .executeTakeFirst();
  return row && sameMoment(row.id, 'key', 'key').padEnd(idLength, '0');
}

const idLength = 26;
