import { openQueueReadOnly } from './queue.ts';
import { readQueueHealth } from './queue-health.ts';
import { openRedis, type RedisClient, type RedisConnection, waitUntilReady } from './redis/client.ts';
import { isRedisReachable } from './redis/reachable.ts';

const connectMs = 2_000;
const commandTimeoutMs = 2_000;

/** `away`: Redis does not answer. Else for how long a run has been due that no worker has begun. */
export type QueueLook = 'away' | { dueForSeconds: number };

/**
 * Looks at the queue through a connection of its own, for when the other one is not trusted: a
 * client that hangs cannot tell whether its server does. `use` may work with it.
 */
export async function lookAtQueue(
  connection: Pick<RedisConnection, 'redisUrl' | 'tls'>,
  use: (look: QueueLook, redis: RedisClient) => Promise<unknown>,
): Promise<void> {
  const redis = openRedis({ ...connection, commandTimeoutMs }, () => undefined);
  try {
    await waitUntilReady(redis, connectMs);
    const isThere = await isRedisReachable(redis);
    await use(isThere ? { dueForSeconds: await dueForSeconds(redis) } : 'away', redis);
  } finally {
    redis.disconnect();
  }
}

/** 0 also where the queue cannot be read: others can write to it. */
async function dueForSeconds(redis: RedisClient): Promise<number> {
  const queue = openQueueReadOnly(redis, () => undefined);
  const health = await readQueueHealth(queue, new Date()).catch(() => undefined);
  return health?.oldestDue?.seconds ?? 0;
}
