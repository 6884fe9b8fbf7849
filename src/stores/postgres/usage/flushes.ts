import { sql } from 'kysely';
import type { UsageFlush } from '../../../domain/usage.ts';
import { sumUp, type UsageHour } from '../../../domain/usage-hours.ts';
import type { Database, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { addUsage, lockUsage } from './add-usage.ts';

/**
 * Adds the sums of these flushes and stores their ids, in one transaction, so that a flush counts
 * once however often it is delivered. All or none: if some were counted before, it adds nothing and
 * returns their ids.
 */
export async function addFlushes(
  db: Database,
  ids: readonly string[],
  hours: readonly UsageHour[],
): Promise<string[]> {
  try {
    await db.transaction().execute(async (tx) => {
      await lockUsage(tx);
      await claimFlushes(tx, ids);
      await addUsage(tx, hours);
    });
    return [];
  } catch (error) {
    if (error instanceof CountedBefore) return error.ids;
    throw error;
  }
}

/** Adds the flushes that are not counted yet, and returns their number. */
export async function applyFlushes(db: Database, flushes: readonly UsageFlush[]): Promise<number> {
  let left = flushes;
  while (left.length > 0) {
    const hours = sumUp(left.flatMap((flush) => flush.marks)).sorted();
    const counted = await addFlushes(
      db,
      left.map((flush) => flush.id),
      hours,
    );
    if (counted.length === 0) return left.length;
    left = left.filter((flush) => !counted.includes(flush.id));
  }
  return 0;
}

/** Aborts the transaction: its sums contain flushes that were counted meanwhile. */
class CountedBefore extends Error {
  readonly ids: string[];

  constructor(ids: string[]) {
    super(`${ids.length} flushes were counted before`);
    this.ids = ids;
  }
}

async function claimFlushes(tx: Tx, ids: readonly string[]): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO usage_flushes (id) SELECT unnest(${[...ids].sort()}::uuid[])
    ON CONFLICT (id) DO NOTHING RETURNING id`.execute(tx);
  if (rows.length === ids.length) return;
  const claimed = new Set(rows.map((row) => row.id));
  const counted = ids.filter((id) => !claimed.has(id));
  if (counted.length === 0) throw new Error('A flush stands twice in one batch');
  throw new CountedBefore(counted);
}

/** Deletes ids of flushes that can no longer be redelivered. */
export async function deleteFlushesOlderThan(db: Database, ageMs: number): Promise<number> {
  return deleteInBatches(
    db,
    'usage_flushes',
    sql`drained_at < statement_timestamp() - make_interval(secs => ${ageMs / 1_000})`,
  );
}
