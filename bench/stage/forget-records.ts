import type { Redis } from 'ioredis';

/** Empties Redis of records alone: counts that wait there are still to be rolled up. */
export async function forgetRecords(redis: Redis): Promise<void> {
  for await (const names of redis.scanStream({ match: 'fl:record:*', count: 1_000 })) {
    if (names.length > 0) await redis.unlink(names);
  }
}
