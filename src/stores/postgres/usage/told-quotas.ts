import { sql } from 'kysely';
import type { QuotaPeriod } from '../../../domain/user-key.ts';
import type { Tx } from '../database.ts';
import { type DueKey, dueColumns } from '../user-keys/due-keys.ts';

/** Takes lines that were counted out of their queue; each once. At most `limit` entries. */
export async function takeCountedQuotaLines(
  tx: Tx,
  limit: number,
): Promise<{ taken: number; lineageIds: string[] }> {
  const { rows } = await sql<{ taken: number; lineageIds: string[] | null }>`
    WITH taken AS (
      DELETE FROM counted_quota_lines WHERE number = ANY(ARRAY(
        SELECT number FROM counted_quota_lines ORDER BY number LIMIT ${limit} FOR UPDATE SKIP LOCKED))
      RETURNING lineage_id)
    SELECT count(*) AS taken, array_agg(DISTINCT lineage_id) AS "lineageIds" FROM taken`.execute(tx);
  return { taken: rows[0]?.taken ?? 0, lineageIds: rows[0]?.lineageIds ?? [] };
}

export type SpentQuota = DueKey & { limit: number; period: QuotaPeriod; spent: number; percent: 80 | 100 };

/**
 * Of these lines, those that have spent 80 or 100 % of their quota in the period that contains
 * `now`, and are not told of it yet; they are from here on. A changed quota starts anew. A later
 * statement than the one that took the lines: it sees the sums of all counts that put them there.
 */
export async function tellSpentQuotas(
  tx: Tx,
  lineageIds: readonly string[],
  now: Date,
): Promise<SpentQuota[]> {
  const { rows } = await sql<SpentQuota>`
    WITH spent AS MATERIALIZED (
      SELECT ${dueColumns}, key.lineage_id, quota.period, quota.period_start, quota.quota_limit, days.spent,
        CASE WHEN days.spent >= quota.quota_limit THEN 100 WHEN days.spent * 100 >= quota.quota_limit * 80 THEN 80 ELSE 0 END AS percent
      FROM unnest(${[...lineageIds]}::text[]) AS line (id)
      JOIN api_keys AS key ON key.lineage_id = line.id AND key.status = 'active' AND key.quota IS NOT NULL
      CROSS JOIN LATERAL (SELECT key.quota ->> 'period' AS period, (key.quota ->> 'limit')::numeric AS quota_limit,
        date_trunc(key.quota ->> 'period', ${now}::timestamptz AT TIME ZONE 'UTC')::date AS period_start) AS quota
      CROSS JOIN LATERAL (SELECT coalesce(sum(cost), 0) AS spent FROM usage_days
        WHERE lineage_id = line.id AND day >= quota.period_start
          AND day <= (${now}::timestamptz AT TIME ZONE 'UTC')::date AND code IN ('VALID', 'SUPERSEDED')) AS days
    ), told AS (
      INSERT INTO told_quotas AS told (lineage_id, period, period_start, quota_limit, percent)
      SELECT lineage_id, period, period_start, quota_limit, percent FROM spent WHERE percent > 0 ORDER BY lineage_id
      ON CONFLICT (lineage_id) DO UPDATE SET period = excluded.period, period_start = excluded.period_start,
        quota_limit = excluded.quota_limit, percent = excluded.percent
      WHERE told.percent < excluded.percent OR (told.period, told.period_start, told.quota_limit)
        IS DISTINCT FROM (excluded.period, excluded.period_start, excluded.quota_limit)
      RETURNING lineage_id
    )
    SELECT id, kind, "organizationId", "userId", environment, "keyPrefix", quota_limit::float8 AS "limit", period,
      least(spent, 9007199254740991)::float8 AS spent, percent
    FROM spent JOIN told USING (lineage_id) ORDER BY lineage_id`.execute(tx);
  return rows;
}
