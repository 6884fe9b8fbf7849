import { sql } from 'kysely';
import { idFloor } from '../../../domain/ids.ts';
import type { Tx } from '../database.ts';
import { isStopped } from './key-stops.ts';

/** What an event about a key of any kind shows. */
export type DueKey = {
  id: string;
  kind: 'user' | 'tenant' | 'platform' | 'api_user';
  organizationId: string;
  userId: string;
  environment: string;
  keyPrefix: string;
};

export type EndingKey = DueKey & { expiresAt: Date; isDue: boolean };

/**
 * Keys that end after a place in the order of (end, id), up to `through`, at most `limit`. `isDue`:
 * the end was set more than `noticeMs` before the moment `warnedMs` ahead of it, and the key could
 * be accepted. The page follows the index `api_keys_expiring`.
 */
export async function listEndingKeys(
  tx: Tx,
  page: {
    after: { expiresAt: Date; id: string };
    through: Date;
    warnedMs: number;
    noticeMs: number;
    limit: number;
  },
): Promise<EndingKey[]> {
  const { after, through, warnedMs, noticeMs, limit } = page;
  const { rows } = await sql<EndingKey>`
    WITH page AS MATERIALIZED (
      SELECT id, expires_at FROM api_keys
      WHERE status = 'active' AND expires_at IS NOT NULL
        AND (expires_at, id) > (${after.expiresAt}::timestamptz, ${after.id}) AND expires_at <= ${through}
      ORDER BY expires_at, id LIMIT ${limit}
    )
    SELECT ${dueColumns}, page.expires_at AS "expiresAt",
      key.enabled AND (SELECT status FROM organizations WHERE id = key.organization_id) IS DISTINCT FROM 'deleted'
        AND page.expires_at - make_interval(secs => ${(warnedMs + noticeMs) / 1_000})
          > coalesce(key.expires_set_at, key.created_at)
        AND NOT ${isStopped('key')} AS "isDue"
    FROM page JOIN api_keys AS key ON key.id = page.id
    ORDER BY page.expires_at, page.id`.execute(tx);
  return rows;
}

export type StaleKey = DueKey & { lastUsedAt: Date | null };

/** `lastId`: the last key that was looked at; null at the end. */
export type StalePage = { lastId: string | null; stale: StaleKey[] };

/**
 * Looks at user keys after an id, at most `limit`, for those whose last accepted call, or whose
 * making, came to be `days` ago in a time: after `from`, up to `to`. Keys that are refused for
 * another reason are left out, and canary keys, which are never accepted. The page follows the
 * primary key.
 */
export async function listStaleKeys(
  tx: Tx,
  page: { afterId: string; days: number; from: Date; to: Date; limit: number },
): Promise<StalePage> {
  const { afterId, from, to, limit } = page;
  const daysMs = page.days * 86_400_000;
  const [usedAfter, usedBy] = [new Date(from.getTime() - daysMs), new Date(to.getTime() - daysMs)];
  const { rows } = await sql<StaleKey & { isDue: boolean }>`
    WITH page AS MATERIALIZED (
      SELECT id FROM api_keys WHERE kind = 'user' AND id > ${afterId} AND id < ${idFloor('key', usedBy)}
      ORDER BY id LIMIT ${limit}
    )
    SELECT ${dueColumns}, used.last_used_at AS "lastUsedAt",
      key.status = 'active' AND key.enabled AND (key.expires_at IS NULL OR key.expires_at > ${to})
        AND greatest(used.last_used_at, key.created_at) > ${usedAfter}
        AND greatest(used.last_used_at, key.created_at) <= ${usedBy}
        AND (SELECT status FROM organizations WHERE id = key.organization_id) = 'active'
        AND NOT ${isStopped('key')} AND NOT EXISTS (SELECT FROM canary_keys WHERE key_id = key.id) AS "isDue"
    FROM page JOIN api_keys AS key ON key.id = page.id
    LEFT JOIN LATERAL (SELECT last_used_at FROM usage_totals WHERE lineage_id = key.lineage_id LIMIT 1) AS used ON true
    ORDER BY page.id`.execute(tx);
  const isFull = rows.length === limit;
  return {
    lastId: isFull ? (rows.at(-1)?.id ?? null) : null,
    stale: rows.filter(({ isDue }) => isDue),
  };
}

export const dueColumns = sql`key.id, key.kind, key.organization_id AS "organizationId", key.user_id AS "userId",
  key.environment, key.key_prefix AS "keyPrefix"`;
