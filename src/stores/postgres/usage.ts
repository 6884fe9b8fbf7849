import { sql } from 'kysely';
import type { UsageFlush, UsageMark } from '../../domain/usage.ts';
import { isAccepted, type VerdictCode } from '../../domain/verdict.ts';
import type { Database, Db, Tx } from './database.ts';
import { numbers } from './numbers.ts';
import { addTraffic } from './traffic.ts';

/**
 * Adds those flushes that are not in the sums yet, in one transaction with the ids that mark them as added: delivered or drained
 * twice, by whomever, a flush counts once. Returns how many were new.
 */
export async function applyFlushes(db: Database, flushes: readonly UsageFlush[]): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const claimed = await claimFlushes(
      tx,
      flushes.map((flush) => flush.id),
    );
    await addUsage(
      tx,
      flushes.filter((flush) => claimed.has(flush.id)),
    );
    return claimed.size;
  });
}

/** Of these flushes, the ids that are not in the sums yet. Inserting them claims them for this transaction. */
async function claimFlushes(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO usage_flushes (id) SELECT unnest(${[...ids].sort()}::uuid[])
    ON CONFLICT (id) DO NOTHING RETURNING id`.execute(tx);
  return new Set(rows.map((row) => row.id));
}

async function addUsage(tx: Tx, flushes: readonly UsageFlush[]): Promise<void> {
  const marks = flushes.flatMap((flush) => flush.marks);
  if (marks.length === 0) return;
  await ensureUsagePartitions(tx, marks);
  await addToSums(tx, marks);
  await addTraffic(tx, marks);
  await addToTotals(tx, marks);
}

/** The worker makes partitions ahead of time; this covers marks of a month that it has dropped or not yet reached. */
async function ensureUsagePartitions(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const minutes = marks.map((mark) => mark.minuteMs);
  await makeUsagePartitions(tx, new Date(Math.min(...minutes)), new Date(Math.max(...minutes)));
}

export async function makeUsagePartitions(db: Db, from: Date, to: Date): Promise<void> {
  await sql`SELECT ensure_usage_partitions(${utcDay(from)}::date, ${utcDay(to)}::date)`.execute(db);
}

/** Rows are sorted before they are written, so that two roll-ups never wait for each other in a circle. */
async function addToSums(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const lineageIds = marks.map((mark) => mark.lineageId);
  const codes = marks.map((mark) => mark.code);
  const input = sql`(SELECT lineage_id, to_timestamp(ms / 1000) AS minute, code, calls, cost FROM unnest(
    ${lineageIds}::text[], ${numbers(marks.map((mark) => mark.minuteMs))}, ${codes}::text[],
    ${numbers(marks.map((mark) => mark.calls))}, ${numbers(marks.map((mark) => mark.cost))})
    AS mark (lineage_id, ms, code, calls, cost)) AS mark`;
  await sql`
    INSERT INTO usage_hours AS sums (lineage_id, hour, code, calls, cost)
    SELECT lineage_id, date_trunc('hour', minute, 'UTC'), code, sum(calls), sum(cost) FROM ${input}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (lineage_id, hour, code)
    DO UPDATE SET calls = sums.calls + excluded.calls, cost = sums.cost + excluded.cost`.execute(tx);
  await sql`
    INSERT INTO usage_days AS sums (lineage_id, day, code, calls, cost)
    SELECT lineage_id, (minute AT TIME ZONE 'UTC')::date, code, sum(calls), sum(cost) FROM ${input}
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (lineage_id, day, code)
    DO UPDATE SET calls = sums.calls + excluded.calls, cost = sums.cost + excluded.cost`.execute(tx);
}

async function addToTotals(tx: Tx, marks: readonly UsageMark[]): Promise<void> {
  const accepted = marks.map((mark) => isAccepted(mark.code));
  await sql`
    INSERT INTO usage_totals AS totals (lineage_id, accepted, refused, first_used_at, last_used_at)
    SELECT lineage_id,
      coalesce(sum(calls) FILTER (WHERE accepted), 0), coalesce(sum(calls) FILTER (WHERE NOT accepted), 0),
      to_timestamp(min(first_at_ms) FILTER (WHERE accepted) / 1000.0), to_timestamp(max(last_at_ms) FILTER (WHERE accepted) / 1000.0)
    FROM unnest(
      ${marks.map((mark) => mark.lineageId)}::text[], ${accepted}::boolean[], ${numbers(marks.map((mark) => mark.calls))},
      ${numbers(marks.map((mark) => mark.firstAtMs))}, ${numbers(marks.map((mark) => mark.lastAtMs))})
      AS mark (lineage_id, accepted, calls, first_at_ms, last_at_ms)
    GROUP BY lineage_id ORDER BY lineage_id
    ON CONFLICT (lineage_id) DO UPDATE SET
      accepted = totals.accepted + excluded.accepted,
      refused = totals.refused + excluded.refused,
      first_used_at = least(totals.first_used_at, excluded.first_used_at),
      last_used_at = greatest(totals.last_used_at, excluded.last_used_at)`.execute(tx);
}

export type UsageTotals = {
  accepted: number;
  refused: number;
  acceptedToday: number;
  firstUsedAt: Date | null;
  lastUsedAt: Date | null;
};

/** Totals of several lines at once; a line that was never used has no entry. */
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
      coalesce((SELECT sum(calls)::bigint FROM usage_days days
        WHERE days.lineage_id = totals.lineage_id AND days.day = ${utcDay(today)}::date
          AND days.code IN ('VALID', 'SUPERSEDED')), 0) AS accepted_today
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

/** Sums in `[from, to)`, oldest first; hours and days that saw no call are absent. */
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

/** A line of keys, and the day from which its cost is asked for. */
export type CostAsked = { lineageId: string; since: Date };

/**
 * The cost accepted in each line since its day, in the order of the question, and which of these
 * flushes are in these sums already. One statement, so one snapshot: a flush is in the sums or is
 * not, never both.
 */
export async function sumAcceptedCosts(
  db: Db,
  asked: readonly CostAsked[],
  flushIds: readonly string[],
): Promise<{ costs: number[]; counted: Set<string> }> {
  const days = asked.map(({ since }) => utcDay(since));
  // For the planner, which then leaves out the partitions of earlier months.
  const firstDay = days.toSorted()[0] ?? null;
  const { rows } = await sql<{ costs: number[] | null; counted: string[] | null }>`
    SELECT (SELECT array_agg(cost ORDER BY position) FROM (
        SELECT position, coalesce(sum(days.cost), 0)::float8 AS cost
        FROM unnest(${asked.map(({ lineageId }) => lineageId)}::text[],
          ${days}::date[]) WITH ORDINALITY AS line (lineage_id, since, position)
        LEFT JOIN usage_days days ON days.lineage_id = line.lineage_id AND days.day >= line.since
          AND days.day >= ${firstDay}::date
          AND days.code IN ('VALID', 'SUPERSEDED')
        GROUP BY position) AS sums) AS costs,
      (SELECT array_agg(id) FROM usage_flushes WHERE id = ANY(${flushIds}::uuid[])) AS counted`.execute(db);
  return { costs: rows[0]?.costs ?? [], counted: new Set(rows[0]?.counted) };
}

export async function deleteFlushesOlderThan(db: Db, ageMs: number): Promise<number> {
  const result = await db
    .deleteFrom('usage_flushes')
    .where('drained_at', '<', sql<Date>`clock_timestamp() - make_interval(secs => ${ageMs / 1_000})`)
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/**
 * Drops the monthly partitions that end before `before`, and returns their names. Under the lock of ensure_usage_partitions: two
 * that drop the same table at once trip over each other.
 */
export async function dropUsagePartitions(
  db: Database,
  parent: 'usage_hours' | 'usage_days',
  before: Date,
): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext('ensure_usage_partitions'))`.execute(tx);
    const { rows } = await sql<{ name: string }>`
      SELECT child.relname AS name FROM pg_inherits
      JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
      WHERE parent.relname = ${parent}
        AND (to_date(right(child.relname, 7), 'YYYY_MM') + interval '1 month') <= ${utcDay(before)}::date
      ORDER BY 1`.execute(tx);
    for (const { name } of rows) await sql`DROP TABLE IF EXISTS ${sql.table(name)}`.execute(tx);
    return rows.map((row) => row.name);
  });
}

function utcDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}
