import { sql } from 'kysely';
import { utcDay } from '../../../domain/usage.ts';
import type { VerdictCode } from '../../../domain/verdict.ts';
import type { Db } from '../database.ts';

export type UsageTotals = {
  accepted: number;
  refused: number;
  acceptedToday: number;
  firstUsedAt: Date | null;
  lastUsedAt: Date | null;
};

/** Totals of several lines; an unused line has no entry. */
export async function listUsageTotals(
  db: Db,
  lineageIds: readonly string[],
  today: Date,
): Promise<Map<string, UsageTotals>> {
  const { rows } = await sql<{
    lineage_id: string;
    accepted: number;
    refused: number;
    accepted_today: number;
    first_used_at: Date | null;
    last_used_at: Date | null;
  }>`
    SELECT totals.lineage_id, totals.accepted, totals.refused, totals.first_used_at, totals.last_used_at,
      (SELECT least(coalesce(sum(calls), 0), 9223372036854775807)::bigint FROM usage_days days
        WHERE days.lineage_id = totals.lineage_id AND days.day = ${utcDay(today)}::date
          AND days.code IN ('VALID', 'SUPERSEDED')) AS accepted_today
    FROM usage_totals totals WHERE totals.lineage_id = ANY(${lineageIds}::text[])`.execute(db);
  return new Map(
    rows.map((row) => [
      row.lineage_id,
      {
        accepted: row.accepted,
        refused: row.refused,
        acceptedToday: row.accepted_today,
        firstUsedAt: row.first_used_at,
        lastUsedAt: row.last_used_at,
      },
    ]),
  );
}

export type UsageSum = { start: Date; code: VerdictCode; calls: number; cost: number };

/** Sums in `[from, to)`, oldest first. Hours and days without calls are absent. */
export async function listUsageSums(
  db: Db,
  lineageId: string,
  range: { from: Date; to: Date; granularity: 'hour' | 'day' },
): Promise<UsageSum[]> {
  const { rows } =
    range.granularity === 'hour'
      ? await sql<UsageSum>`
          SELECT hour AS start, code, calls, cost FROM usage_hours
          WHERE lineage_id = ${lineageId} AND hour >= ${range.from} AND hour < ${range.to} ORDER BY hour, code`.execute(
          db,
        )
      : await sql<UsageSum>`
          SELECT day::timestamp AT TIME ZONE 'UTC' AS start, code, calls, cost FROM usage_days
          WHERE lineage_id = ${lineageId} AND day >= ${utcDay(range.from)}::date AND day < ${utcDay(range.to)}::date
          ORDER BY day, code`.execute(db);
  return rows;
}

/** A line of keys, and the first day of the sum. */
export type CostAsked = { lineageId: string; since: Date };

/**
 * Accepted cost of each line since its day, in the order of the input, and which of these flushes
 * are already counted. One statement, so one snapshot: a flush is never counted twice.
 */
export async function sumAcceptedCosts(
  db: Db,
  asked: readonly CostAsked[],
  flushIds: readonly string[],
): Promise<{ costs: number[]; counted: Set<string> }> {
  const days = asked.map(({ since }) => utcDay(since));
  // Lets the planner skip the partitions of earlier months.
  const firstDay = days.toSorted()[0] ?? null;
  const { rows } = await sql<{ costs: number[] | null; counted: string[] | null }>`
    SELECT (SELECT array_agg(cost ORDER BY position) FROM (
        SELECT position, least(coalesce(sum(days.cost), 0), 9007199254740991)::float8 AS cost
        FROM unnest(${asked.map(({ lineageId }) => lineageId)}::text[],
          ${days}::date[]) WITH ORDINALITY AS line (lineage_id, since, position)
        LEFT JOIN usage_days days ON days.lineage_id = line.lineage_id AND days.day >= line.since
          AND days.day >= ${firstDay}::date
          AND days.code IN ('VALID', 'SUPERSEDED')
        GROUP BY position) AS sums) AS costs,
      (SELECT array_agg(id) FROM usage_flushes WHERE id = ANY(${flushIds}::uuid[])) AS counted`.execute(db);
  return { costs: rows[0]?.costs ?? [], counted: new Set(rows[0]?.counted) };
}
