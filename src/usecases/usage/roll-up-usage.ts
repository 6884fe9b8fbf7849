import type { Redis } from 'ioredis';
import type { Database } from '../../stores/postgres/database.ts';
import { applyFlushes } from '../../stores/postgres/usage.ts';
import { readFlushes, removeFlushes } from '../../stores/redis/usage-flushes.ts';

/** Enough for a few seconds of a few processes, few enough for one short transaction. */
const flushesPerRound = 50;

/**
 * Moves the waiting flushes from Redis into the sums in Postgres. Killed before the commit, it has done nothing; killed after it,
 * the flushes are still in Redis and the next run finds their ids in Postgres; run twice at once, each flush is claimed by one.
 * Returns how many flushes were new.
 */
export async function rollUpUsage(parts: { db: Database; redis: Redis }): Promise<number> {
  let applied = 0;
  for (;;) {
    const flushes = await readFlushes(parts.redis, flushesPerRound);
    if (flushes.length === 0) return applied;
    applied += await applyFlushes(parts.db, flushes);
    await removeFlushes(
      parts.redis,
      flushes.map((flush) => flush.id),
    );
  }
}
