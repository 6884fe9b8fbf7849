import type { UsageFlush } from '../../domain/usage.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { applyFlushes } from '../../stores/postgres/usage/flushes.ts';
import { packFlush, type StampedFlushes } from '../../stores/redis/usage-flushes.ts';
import { isFaultOfTheFlush, type OnSetAside, setFlushAside } from './set-flush-aside.ts';

/**
 * Counts a flush in Postgres, without Redis. A flush that cannot be added up is set aside, because
 * its redelivery would block all later ones of this process.
 */
export async function countFlush(
  parts: { db: Database; onSetAside: OnSetAside } & Pick<StampedFlushes, 'flushStamps'>,
  flush: UsageFlush,
): Promise<void> {
  try {
    await applyFlushes(parts.db, [flush]);
  } catch (error) {
    if (!isFaultOfTheFlush(error)) throw error;
    await setFlushAside(parts, flush.id, Buffer.from(packFlush(parts.flushStamps, flush)), error);
  }
}
