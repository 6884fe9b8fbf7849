import type { Redis } from 'ioredis';
import { keyspace } from './keyspace.ts';

/** For all workers together: the next roll-up begins when this has run out. */
export async function pauseRollUps(redis: Redis, forMs: number): Promise<void> {
  await redis.set(keyspace.usagePause, '1', 'PX', Math.ceil(forMs));
}

export async function areRollUpsPaused(redis: Redis): Promise<boolean> {
  return (await redis.exists(keyspace.usagePause)) === 1;
}
