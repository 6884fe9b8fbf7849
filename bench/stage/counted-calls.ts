import { Redis } from 'ioredis';
import type { Closing } from '../../src/closing.ts';
import { countFlushes, readFlushes } from '../../src/stores/redis/usage-flushes.ts';

/** The calls that wait in Redis to be rolled up: all there ever were, since no worker runs here. */
export async function countedCalls(redisUrl: string, closing: Closing): Promise<number> {
  const redis = new Redis(redisUrl);
  closing.add('connection', () => redis.disconnect());
  const flushes = await readFlushes(redis, await countFlushes(redis));
  return flushes.flatMap(({ marks }) => marks).reduce((sum, { calls }) => sum + calls, 0);
}
