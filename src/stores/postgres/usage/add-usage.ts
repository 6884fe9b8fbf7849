import { sql } from 'kysely';
import type { UsageHour } from '../../../domain/usage-hours.ts';
import { bigintArray } from '../bigint-array.ts';
import type { Tx } from '../database.ts';
import { ensureUsagePartitions } from './partitions.ts';

/** One number for the whole deployment. See `lockUsage`. */
const usageLock = 5_201_006;

/** A second of work on a slow machine; time-outs and memory rely on this bound. */
const rowsPerStatement = 25_000;

/** Keys of a day that are ranked exactly (migration 0024). Twenty existing ones are shown. */
export const topKeysMax = 1_000;

/**
 * Serialises the transactions that add to the sums, until the commit. All write the same rows, and
 * would wait for or deadlock with each other anyway. It also fixes an index plan: for thousands of
 * rows the planner would read the whole table of keys, once per row if the table was just empty.
 */
export async function lockUsage(tx: Tx): Promise<void> {
  await sql`
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
      pg_advisory_xact_lock(${sql.lit(usageLock)})`.execute(tx);
}

/**
 * Adds to the sums of each key by hour, by UTC day and in total, and to those of all keys, of each
 * organization, and of the most used keys. Call `lockUsage` first. Sums saturate at the largest
 * bigint.
 */
export async function addUsage(tx: Tx, hours: readonly UsageHour[]): Promise<void> {
  await ensureUsagePartitions(tx, hours);
  for (let start = 0; start < hours.length; start += rowsPerStatement) {
    await addRows(tx, hours.slice(start, start + rowsPerStatement));
  }
}

/** Sums of bigints are numeric. They saturate where `saturating_sum` does. */
const bounded = (sum: string) => sql`least(${sql.raw(sum)}, 9223372036854775807)::bigint`;

const callsWhere = (condition: string) => bounded(`coalesce(sum(calls) FILTER (WHERE ${condition}), 0)`);

/** One statement, so that the rows are sent and read once. */
async function addRows(tx: Tx, rows: readonly UsageHour[]): Promise<void> {
  await sql`
    WITH counted AS MATERIALIZED (
      SELECT row.lineage_id, to_timestamp(hour_ms / 1000) AS hour, (to_timestamp(hour_ms / 1000) AT TIME ZONE 'UTC')::date AS day,
        code, code IN ('VALID', 'SUPERSEDED') AS is_accepted, calls, cost, first_at_ms, last_at_ms, organization_id
      FROM unnest(
        ${rows.map((row) => row.lineageId)}::text[], ${bigintArray(rows.map((row) => row.hourMs))},
        ${rows.map((row) => row.code)}::text[], ${bigintArray(rows.map((row) => row.calls))},
        ${bigintArray(rows.map((row) => row.cost))}, ${bigintArray(rows.map((row) => row.firstAtMs))},
        ${bigintArray(rows.map((row) => row.lastAtMs))})
        AS row (lineage_id, hour_ms, code, calls, cost, first_at_ms, last_at_ms)
      LEFT JOIN api_keys ON api_keys.id = row.lineage_id
    ), hours AS (
      INSERT INTO usage_hours AS sums (lineage_id, hour, code, calls, cost)
      SELECT lineage_id, hour, code, calls, cost FROM counted
      ON CONFLICT (lineage_id, hour, code) DO UPDATE
      SET calls = saturating_sum(sums.calls, excluded.calls), cost = saturating_sum(sums.cost, excluded.cost)
    ), days AS (
      INSERT INTO usage_days AS sums (lineage_id, day, code, calls, cost)
      SELECT lineage_id, day, code, ${bounded('sum(calls)')}, ${bounded('sum(cost)')} FROM counted
      GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
      ON CONFLICT (lineage_id, day, code) DO UPDATE
      SET calls = saturating_sum(sums.calls, excluded.calls), cost = saturating_sum(sums.cost, excluded.cost)
      RETURNING lineage_id, day, code, calls
    ), totals AS (
      INSERT INTO usage_totals AS sums (lineage_id, accepted, refused, first_used_at, last_used_at)
      SELECT lineage_id, ${callsWhere('is_accepted')}, ${callsWhere('NOT is_accepted')},
        to_timestamp(min(first_at_ms) FILTER (WHERE is_accepted) / 1000.0),
        to_timestamp(max(last_at_ms) FILTER (WHERE is_accepted) / 1000.0)
      FROM counted GROUP BY 1 ORDER BY 1
      ON CONFLICT (lineage_id) DO UPDATE SET
        accepted = saturating_sum(sums.accepted, excluded.accepted),
        refused = saturating_sum(sums.refused, excluded.refused),
        first_used_at = least(sums.first_used_at, excluded.first_used_at),
        last_used_at = greatest(sums.last_used_at, excluded.last_used_at)
    ), all_hours AS (
      INSERT INTO traffic_hours AS sums (hour, code, shard, calls)
      SELECT hour, code, 0, ${bounded('sum(calls)')} FROM counted GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (hour, code, shard) DO UPDATE SET calls = saturating_sum(sums.calls, excluded.calls)
    ), all_days AS (
      INSERT INTO traffic_days AS sums (day, code, shard, calls)
      SELECT day, code, 0, ${bounded('sum(calls)')} FROM counted GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (day, code, shard) DO UPDATE SET calls = saturating_sum(sums.calls, excluded.calls)
    ), organizations AS (
      INSERT INTO organization_days AS sums (day, organization_id, accepted, refused)
      SELECT day, organization_id, ${callsWhere('is_accepted')}, ${callsWhere('NOT is_accepted')}
      FROM counted WHERE organization_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
      ON CONFLICT (day, organization_id) DO UPDATE SET
        accepted = saturating_sum(sums.accepted, excluded.accepted), refused = saturating_sum(sums.refused, excluded.refused)
    ), quota_lines AS (
      INSERT INTO counted_quota_lines (lineage_id)
      SELECT DISTINCT lineage_id FROM counted
      WHERE is_accepted AND (SELECT true FROM api_keys
        WHERE lineage_id = counted.lineage_id AND status = 'active' AND quota IS NOT NULL LIMIT 1)
    )
    INSERT INTO usage_tops AS tops (day, lineage_id, is_hidden, calls)
    SELECT highest.day, highest.lineage_id, class.is_hidden, highest.calls
    FROM (SELECT DISTINCT day FROM counted WHERE code = 'VALID') AS dates
    CROSS JOIN (VALUES (true, 'flk_', '{user}'::text[]), (false, 'ak_', '{tenant,platform}')) AS class (is_hidden, prefix, kinds)
    CROSS JOIN LATERAL (
      SELECT days.day, days.lineage_id, days.calls FROM days JOIN api_keys ON api_keys.id = days.lineage_id
      WHERE days.day = dates.day AND days.code = 'VALID' AND starts_with(days.lineage_id, class.prefix)
        AND kind = ANY(class.kinds)
        AND days.calls >= coalesce((
          SELECT calls FROM usage_tops AS known WHERE known.day = dates.day AND known.is_hidden = class.is_hidden
          ORDER BY calls DESC OFFSET ${sql.lit(topKeysMax - 1)} LIMIT 1), 0)
      ORDER BY days.calls DESC, days.lineage_id LIMIT ${sql.lit(topKeysMax)}
    ) AS highest
    ON CONFLICT (day, lineage_id) DO UPDATE SET calls = excluded.calls`.execute(tx);
}
