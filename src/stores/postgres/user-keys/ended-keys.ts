import { sql } from 'kysely';
import type { Tx } from '../database.ts';

export type EndedStatus = 'revoked' | 'expired';

/** Keys of one status, after a key and below another one in the order of ids. */
export type EndedPage = {
  status: EndedStatus;
  afterId: string;
  belowId: string;
  endedBefore: Date;
  limit: number;
};

/** `lastId`: the last key that was looked at; null when there was none. */
export type PrunedPage = { lastId: string | null; seen: number; pruned: number };

/**
 * Deletes the user keys of a page that ended before a time. The first key of a line stays until its
 * successors are gone, because usage is kept under its id; the usage of the line goes with it. A
 * key that another transaction has locked is left to the next run. The page follows the index
 * `api_keys_hidden_ended_all`.
 */
export async function deleteEndedKeys(tx: Tx, page: EndedPage): Promise<PrunedPage> {
  const { rows } = await sql<PrunedPage>`
    WITH looked_at AS MATERIALIZED (
      SELECT id FROM api_keys
      WHERE kind = 'user' AND status <> 'active' AND status = ${page.status}
        AND id > ${page.afterId} AND id < ${page.belowId}
      ORDER BY id LIMIT ${page.limit}
    ), due AS MATERIALIZED (
      SELECT key.id, key.lineage_id FROM api_keys AS key
      WHERE key.id IN (SELECT id FROM looked_at)
        AND coalesce(key.revoked_at, key.superseded_until, key.expires_at, key.updated_at) < ${page.endedBefore}
        AND (key.id <> key.lineage_id OR NOT EXISTS (
          SELECT 1 FROM api_keys AS later WHERE later.lineage_id = key.id AND later.id <> later.lineage_id))
      FOR UPDATE SKIP LOCKED
    ), pruned AS (
      DELETE FROM api_keys USING due WHERE api_keys.id = due.id RETURNING api_keys.id, api_keys.lineage_id
    ), lines AS (
      SELECT id FROM pruned WHERE id = lineage_id
    ), hours AS (
      DELETE FROM usage_hours WHERE lineage_id IN (SELECT id FROM lines)
    ), days AS (
      DELETE FROM usage_days WHERE lineage_id IN (SELECT id FROM lines)
    ), totals AS (
      DELETE FROM usage_totals WHERE lineage_id IN (SELECT id FROM lines)
    ), quotas AS (
      DELETE FROM told_quotas WHERE lineage_id IN (SELECT id FROM lines)
    )
    SELECT (SELECT max(id) FROM looked_at) AS "lastId", (SELECT count(*) FROM looked_at)::integer AS seen,
      (SELECT count(*) FROM pruned)::integer AS pruned`.execute(tx);
  return rows[0] ?? { lastId: null, seen: 0, pruned: 0 };
}
