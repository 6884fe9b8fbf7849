import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../database.ts';

/** Minimum length for the index of migration 0014. */
export const trigramLength = 3;

/**
 * GIN reads the posting list of every trigram asked for. Asking only the two rarest: 16 → 1 ms for
 * `service ab` among a million keys. The name itself is compared anyway.
 */
const trigramsMax = 2;

/**
 * A posting list of this length is read in 2 ms. For names with more common trigrams a walk is
 * faster.
 */
const listedMax = 20_000;

/**
 * The rarest trigrams of a name by the statistics of the last ANALYZE; uncounted ones are rare.
 * Undefined when even they are common.
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
 * Some 10 ms through the index, enough for a page of a name that one in 500 has. Rarer names are
 * found by trigrams.
 */
const namesWalkedMax = 30_000;

/**
 * Walks the names of all tenant and platform keys, newest first, until `limit` match. `last`: the
 * key where it gave up; null at the end, or when it found enough.
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
