import { sql } from 'kysely';
import type { Db } from './database.ts';

export type PlatformCounts = {
  totalKeys: number;
  activeKeys: number;
  expiredKeys: number;
  callsToday: number;
};

/**
 * Number of tenant and platform keys by status at `now`, and accepted calls of all keys on its UTC
 * day. Exact: read from counters beside the rows, corrected by expired keys that the sweep has not
 * met.
 */
export async function readPlatformCounts(db: Db, now: Date): Promise<PlatformCounts> {
  const { rows } = await sql<PlatformCounts>`
    WITH kept AS (
      SELECT coalesce(sum(total), 0) AS total, coalesce(sum(active), 0) AS active, coalesce(sum(expired), 0) AS expired
      FROM api_key_counts
    ), due AS (
      SELECT count(*) AS met, count(*) FILTER (WHERE enabled) AS enabled FROM api_keys
      WHERE status = 'active' AND expires_at <= ${now} AND kind IN ('tenant', 'platform')
    )
    SELECT kept.total::bigint AS "totalKeys", (kept.active - due.enabled)::bigint AS "activeKeys",
      (kept.expired + due.met)::bigint AS "expiredKeys",
      (SELECT least(coalesce(sum(calls), 0), 9223372036854775807)::bigint FROM traffic_days
        WHERE day = (${now}::timestamptz AT TIME ZONE 'UTC')::date AND code IN ('VALID', 'SUPERSEDED')) AS "callsToday"
    FROM kept, due`.execute(db);
  const [counts] = rows;
  if (counts === undefined) throw new Error('An aggregate has always one row');
  return counts;
}
