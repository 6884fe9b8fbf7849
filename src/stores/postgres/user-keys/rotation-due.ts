import { type RawBuilder, sql } from 'kysely';
import type { Db, Tx } from '../database.ts';
import { type DueKey, dueColumns } from './due-keys.ts';
import { isStopped } from './key-stops.ts';

/**
 * When a key reaches the longest age that its organization's policy or its master key sets, the
 * earlier of both; null without one. `key`: name of the row of `api_keys` in the statement.
 */
export function rotationDueAt(key: 'api_keys' | 'key'): RawBuilder<Date | null> {
  const column = (name: string) => sql.ref(`${key}.${name}`);
  return sql<Date | null>`(${column('created_at')} + make_interval(secs => least(
    (SELECT (policy ->> 'key_age_seconds_max')::float8 FROM organizations WHERE organizations.id = ${column('organization_id')}),
    (SELECT key_age_seconds_max FROM master_keys WHERE master_keys.id = ${column('minted_by')}))))`;
}

/** Due dates of keys, without those that have none. */
export async function listRotationsDue(db: Db, keyIds: readonly string[]): Promise<Map<string, Date>> {
  const rows = await db
    .selectFrom('api_keys')
    .select(['id', rotationDueAt('api_keys').as('due_at')])
    .where('id', '=', sql<string>`any(${keyIds}::text[])`)
    .execute();
  return new Map(rows.flatMap(({ id, due_at }) => (due_at === null ? [] : [[id, due_at] as const])));
}

export type AgingKey = DueKey & { createdAt: Date; rotationDueAt: Date };

/** `lastId`: the last key that was looked at; null at the end. */
export type AgingPage = { lastId: string | null; aging: AgingKey[] };

/**
 * Looks at user keys after an id, at most `limit`, for those that reach a longest age by a time, or
 * have reached it. Keys that are refused for another reason are left out, and canary keys, which
 * are never accepted. The page follows the primary key.
 */
export async function listAgingKeys(
  tx: Tx,
  page: { afterId: string; now: Date; dueBy: Date; limit: number },
): Promise<AgingPage> {
  const { afterId, now, dueBy, limit } = page;
  const { rows } = await sql<AgingKey & { isAging: boolean }>`
    WITH page AS MATERIALIZED (
      SELECT id FROM api_keys WHERE kind = 'user' AND id > ${afterId} ORDER BY id LIMIT ${limit}
    )
    SELECT ${dueColumns}, key.created_at AS "createdAt", due.at AS "rotationDueAt",
      coalesce(due.at <= ${dueBy}, false)
        AND key.status = 'active' AND key.enabled AND (key.expires_at IS NULL OR key.expires_at > ${now})
        AND (SELECT status FROM organizations WHERE id = key.organization_id) = 'active'
        AND NOT ${isStopped('key')} AND NOT EXISTS (SELECT FROM canary_keys WHERE key_id = key.id) AS "isAging"
    FROM page JOIN api_keys AS key ON key.id = page.id CROSS JOIN LATERAL (SELECT ${rotationDueAt('key')} AS at) AS due
    ORDER BY page.id`.execute(tx);
  const isFull = rows.length === limit;
  return {
    lastId: isFull ? (rows.at(-1)?.id ?? null) : null,
    aging: rows.filter(({ isAging }) => isAging),
  };
}
