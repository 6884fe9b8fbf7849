import type { Redis } from 'ioredis';

/** Deletes only records from Redis; usage flushes stay. */
export async function forgetRecords(redis: Redis): Promise<void> {
  for await (const names of redis.scanBufferStream({ match: 'fl;*', count: 1_000 })) {
    if (names.length > 0) await redis.unlink(names);
  }
}
