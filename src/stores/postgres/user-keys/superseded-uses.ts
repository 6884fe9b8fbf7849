import { sql } from 'kysely';
import type { Db } from '../database.ts';

type SavedUse = { of: string; isLine: boolean; masterKeyId: string; firstAtMs: number; lastAtMs: number };

/**
 * Adds uses of superseded keys to what is known (migration 0070). `isLine`: `of` is a line of keys,
 * and the newest of its keys in grace was used. Left out is what does not exist any more. Safe to
 * repeat.
 */
export async function saveSupersededUses(db: Db, uses: readonly SavedUse[]): Promise<void> {
  const times = (of: 'firstAtMs' | 'lastAtMs') => uses.map((use) => new Date(use[of]));
  await sql`
    WITH used AS (
      SELECT * FROM unnest(${uses.map((use) => use.of)}::text[], ${uses.map((use) => use.isLine)}::boolean[],
        ${uses.map((use) => use.masterKeyId)}::text[], ${times('firstAtMs')}::timestamptz[], ${times('lastAtMs')}::timestamptz[])
        AS used (of_id, is_line, master_key_id, first_at, last_at)
    ), found AS (
      SELECT key.id, used.* FROM used JOIN api_keys AS key ON key.id = used.of_id
      WHERE NOT used.is_line AND key.kind = 'user'
      UNION ALL
      SELECT key.id, used.* FROM used CROSS JOIN LATERAL (
        SELECT id FROM api_keys WHERE lineage_id = used.of_id AND status = 'superseded' AND kind = 'user'
        ORDER BY id DESC LIMIT 1) AS key
      WHERE used.is_line
    )
    INSERT INTO superseded_uses AS known (key_id, master_key_id, first_used_at, last_used_at)
    SELECT id, master_key_id, min(first_at), max(last_at) FROM found GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (key_id, master_key_id) DO UPDATE SET
      first_used_at = least(known.first_used_at, excluded.first_used_at),
      last_used_at = greatest(known.last_used_at, excluded.last_used_at)`.execute(db);
}

export type UseOfPredecessor = {
  lineageId: string;
  keyId: string;
  keyPrefix: string;
  supersededUntil: Date;
  masterKeyId: string;
  firstUsedAt: Date;
  lastUsedAt: Date;
};

/** Uses of keys in their grace, by the line; the newest key and the latest use first. */
export async function listUsesOfPredecessors(
  db: Db,
  lineageIds: readonly string[],
  now: Date,
): Promise<UseOfPredecessor[]> {
  const { rows } = await sql<UseOfPredecessor>`
    SELECT before.lineage_id AS "lineageId", before.id AS "keyId", before.key_prefix AS "keyPrefix",
      before.superseded_until AS "supersededUntil", used.master_key_id AS "masterKeyId",
      used.first_used_at AS "firstUsedAt", used.last_used_at AS "lastUsedAt"
    FROM api_keys AS before JOIN superseded_uses AS used ON used.key_id = before.id
    WHERE before.lineage_id = ANY (${lineageIds}::text[]) AND ${isInGrace(now)}
    ORDER BY before.id DESC, used.last_used_at DESC, used.master_key_id`.execute(db);
  return rows;
}

/** Whether a predecessor of the key is in its grace, and was used since it was superseded. */
export function isPredecessorUsed(now: Date) {
  return sql<boolean>`EXISTS (
    SELECT FROM api_keys AS before JOIN superseded_uses AS used ON used.key_id = before.id
    WHERE before.lineage_id = api_keys.lineage_id AND ${isInGrace(now)})`;
}

/** The index `api_keys_lineage_in_grace` finds them by the line. */
function isInGrace(now: Date) {
  return sql<boolean>`(before.status = 'superseded' AND before.superseded_until > ${now})`;
}
