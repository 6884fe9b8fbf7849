import { sql } from 'kysely';
import { utcDay } from '../../../domain/usage.ts';
import type { UsageHour } from '../../../domain/usage-hours.ts';
import type { Database, Db, Tx } from '../database.ts';

/**
 * One flush is of one month, or of two around its end. More than this is no flush of ours, and each
 * would make two tables.
 */
const monthsMax = 24;

/**
 * The worker makes partitions ahead of time. This covers the counts of a month that it has dropped
 * or not yet reached: for each month that occurs, and none in between.
 */
export async function ensureUsagePartitions(tx: Tx, hours: readonly UsageHour[]): Promise<void> {
  const months = new Set<string>();
  for (const { hourMs } of hours) months.add(utcDay(new Date(hourMs)).slice(0, 7));
  if (months.size > monthsMax) throw new RangeError(`usage of ${months.size} months at once`);
  for (const month of [...months].sort()) {
    await sql`SELECT ensure_usage_partitions(${`${month}-01`}::date, ${`${month}-01`}::date)`.execute(tx);
  }
}

export async function makeUsagePartitions(db: Db, from: Date, to: Date): Promise<void> {
  await sql`SELECT ensure_usage_partitions(${utcDay(from)}::date, ${utcDay(to)}::date)`.execute(db);
}

/**
 * Drops the monthly partitions that end before `before`, and returns their names. Under the lock of
 * ensure_usage_partitions: two that drop the same table at once trip over each other.
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
