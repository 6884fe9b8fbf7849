import { sql } from 'kysely';
import type { UsageMark } from '../../domain/usage.ts';
import type { Db, Tx } from './database.ts';

export type PlatformCounts = {
  totalKeys: number;
  activeKeys: number;
  expiredKeys: number;
  callsToday: number;
};

/**
 * How many tenant and platform keys there are, by the state that they have at `now`, and the accepted calls of all keys on its
 * UTC day. Exact, from counts that are kept with the rows; only keys past their expiry that the sweep has not met are counted here.
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
      (SELECT coalesce(sum(calls), 0)::bigint FROM accepted_calls
        WHERE day = (${now}::timestamptz AT TIME ZONE 'UTC')::date) AS "callsToday"
    FROM kept, due`.execute(db);
  const [counts] = rows;
  if (counts === undefined) throw new Error('An aggregate has always one row');
  return counts;
}

/** Adds the accepted calls of these marks to their days. Rows are written in order, so that two never wait in a circle. */
export async function addAcceptedCalls(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const accepted = marks.filter((mark) => mark.code === 'VALID' || mark.code === 'SUPERSEDED');
  if (accepted.length === 0) return;
  await sql`
    INSERT INTO accepted_calls AS sums (day, shard, calls)
    SELECT (minute AT TIME ZONE 'UTC')::date, pg_backend_pid() % 16, sum(calls)
    FROM unnest(${accepted.map((mark) => new Date(mark.minuteMs))}::timestamptz[],
      ${accepted.map((mark) => mark.calls)}::bigint[]) AS mark (minute, calls)
    GROUP BY 1 ORDER BY 1
    ON CONFLICT (day, shard) DO UPDATE SET calls = sums.calls + excluded.calls`.execute(tx);
}
