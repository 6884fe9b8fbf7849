import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../database.ts';

/** The index of migration 0014 knows nothing shorter. */
export const trigramLength = 3;

/**
 * Each trigram that an index is asked for has its list read wherever the rarest one's leads: by all
 * eight of `service ab` 1,900 keys among a million take 16 ms, by the rarest two 1 ms. The name
 * itself is compared in any case.
 */
const trigramsMax = 2;

/**
 * A list of so many keys is read in 2 ms. Names with more common trigrams only are found sooner by
 * walking, or not by the index.
 */
const listedMax = 20_000;

/**
 * The trigrams of a name by which an index finds the fewest keys, as of the last ANALYZE; those
 * that it did not count are rare. Undefined when even they are common.
 */
export async function findRareTrigrams(db: Db, nameKey: string): Promise<string[] | undefined> {
  const { rows } = await sql<{ trigram: string; listed: number | null }>`
    SELECT trigram, frequency * (SELECT reltuples FROM pg_class WHERE oid = to_regclass('api_keys_shown_names')) AS listed
    FROM unnest(name_trigrams(${nameKey})) AS trigram
    LEFT JOIN (
      SELECT unnest(most_common_elems::text::text[]) AS common, unnest(most_common_elem_freqs) AS frequency
      FROM pg_stats WHERE schemaname = current_schema AND tablename = 'api_keys_shown_name'
    ) AS counted ON common = trigram
    ORDER BY frequency NULLS FIRST, trigram LIMIT ${trigramsMax}`.execute(db);
  if ((rows[0]?.listed ?? 0) > listedMax) return undefined;
  return rows.map((row) => row.trigram);
}

export function hasTrigrams(trigrams: readonly string[]): RawBuilder<boolean> {
  return sql`name_trigrams(name_key) @> ${trigrams}::text[]`;
}

/**
 * Some 10 ms through the index, and enough for a page of a name that one in 500 has: rarer ones are
 * found by their trigrams.
 */
const namesWalkedMax = 30_000;

/**
 * Walks through the names of all tenant and platform keys, newest first, until `limit` have passed.
 * `last` is the key at which it gave up; null when it met them all or found enough.
 */
export async function walkNames(
  db: Db,
  { passing, place, limit }: { passing: RawBuilder<boolean>; place: RawBuilder<boolean>; limit: number },
): Promise<{ ids: string[]; last: string | null }> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM (SELECT id, name_key FROM api_keys WHERE ${place} ORDER BY id DESC LIMIT ${namesWalkedMax}) AS newest
    WHERE ${passing} ORDER BY id DESC LIMIT ${limit}`.execute(db);
  const ids = rows.map((row) => row.id);
  return { ids, last: ids.length < limit ? await findLastWalked(db, place) : null };
}

async function findLastWalked(db: Db, place: RawBuilder<boolean>): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM api_keys WHERE ${place} ORDER BY id DESC OFFSET ${namesWalkedMax - 1} LIMIT 1`.execute(db);
  return rows[0]?.id ?? null;
}
