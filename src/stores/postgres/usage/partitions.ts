import { sql } from 'kysely';
import { utcDay } from '../../../domain/usage.ts';
import type { UsageHour } from '../../../domain/usage-hours.ts';
import type { Database, Db, Tx } from '../database.ts';

/**
 * A flush spans one month, or two around its end. More means it is not ours, and each month would
 * create two tables.
 */
const monthsMax = 24;

/**
 * Creates missing partitions for late or early usage; the worker creates the regular ones ahead of
 * time. One for each month that occurs, none in between.
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
 * Drops the monthly partitions that end before `before`, and returns their names. Takes the lock of
 * ensure_usage_partitions, since two concurrent drops of a table fail.
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
