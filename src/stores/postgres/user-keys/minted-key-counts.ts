import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** `living`: active keys, disabled ones included. `total`: ended ones too. */
export type MintedKeyCounts = { living: number; total: number };

export type MintedOrganization = MintedKeyCounts & { organizationId: string };

/**
 * A page of the organizations for which a master key has minted, with the counts of its keys, by
 * their ids. Counts and changes that are not folded yet are read in one statement (migration
 * 0040), so a fold between them is impossible.
 */
export async function listMintedOrganizations(
  db: Db,
  masterKeyId: string,
  { limit, after = '' }: { limit: number; after?: string | undefined },
): Promise<MintedOrganization[]> {
  const { rows } = await sql<MintedOrganization>`
    SELECT organization_id AS "organizationId", sum(living)::bigint AS living, sum(total)::bigint AS total
    FROM (
      (SELECT organization_id, living, total FROM minted_key_counts
       WHERE master_key_id = ${masterKeyId} AND organization_id > ${after} ORDER BY organization_id LIMIT ${limit})
      UNION ALL
      SELECT organization_id, living, total FROM minted_key_count_changes
      WHERE master_key_id = ${masterKeyId} AND organization_id > ${after}
    ) AS known
    GROUP BY organization_id ORDER BY organization_id LIMIT ${limit}`.execute(db);
  return rows;
}

/** Counts over all organizations. A master key that has minted nothing is left out. */
export async function readMintedTotals(
  db: Db,
  masterKeyIds: readonly string[],
): Promise<Map<string, MintedKeyCounts>> {
  const { rows } = await sql<MintedKeyCounts & { id: string }>`
    SELECT master_key_id AS id, sum(living)::bigint AS living, sum(total)::bigint AS total
    FROM (
      SELECT master_key_id, living, total FROM minted_key_totals
      UNION ALL
      SELECT master_key_id, living, total FROM minted_key_count_changes
    ) AS known
    WHERE master_key_id = ANY(${masterKeyIds}::text[]) GROUP BY master_key_id`.execute(db);
  return new Map(rows.map(({ id, ...counts }) => [id, counts]));
}

/**
 * Folds at most `limit` changes into the counts, in one transaction, and returns how many it were.
 * Two at once take different ones. Rows are written in their order, so that they cannot deadlock.
 */
export async function foldMintedKeyCounts(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ folded: number }>`
    WITH taken AS (
      DELETE FROM minted_key_count_changes WHERE id IN (
        SELECT id FROM minted_key_count_changes ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING master_key_id, organization_id, living, total
    ), counted AS (
      INSERT INTO minted_key_counts AS known (master_key_id, organization_id, living, total)
      SELECT master_key_id, organization_id, sum(living), sum(total) FROM taken
      GROUP BY master_key_id, organization_id ORDER BY master_key_id, organization_id
      ON CONFLICT (master_key_id, organization_id)
        DO UPDATE SET living = known.living + excluded.living, total = known.total + excluded.total
    ), summed AS (
      INSERT INTO minted_key_totals AS known (master_key_id, living, total)
      SELECT master_key_id, sum(living), sum(total) FROM taken GROUP BY master_key_id ORDER BY master_key_id
      ON CONFLICT (master_key_id)
        DO UPDATE SET living = known.living + excluded.living, total = known.total + excluded.total
    )
    SELECT count(*)::integer AS folded FROM taken`.execute(db);
  return rows[0]?.folded ?? 0;
}
