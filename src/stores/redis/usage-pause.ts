import type { RedisClient } from './client.ts';
import { keyspace } from './keyspace.ts';

/** Pauses the roll-ups of all workers; the next begins when it expires. */
export async function pauseRollUps(redis: RedisClient, forMs: number): Promise<void> {
  await redis.set(keyspace.usagePause, '1', 'PX', Math.ceil(forMs));
}

/** A pause longer than `msMax` is foreign, and must not stop the counting. */
export async function areRollUpsPaused(redis: RedisClient, msMax: number): Promise<boolean> {
  const leftMs = await redis.pttl(keyspace.usagePause);
  return leftMs > 0 && leftMs <= msMax;
}
