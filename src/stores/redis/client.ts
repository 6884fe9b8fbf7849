import { Redis } from 'ioredis';

/**
 * A connection for the request path: it never queues and never retries. While Redis is away a command fails at once, and
 * the caller goes on without it. A Redis that hangs costs at most `commandTimeoutMs` a command, until `socketTimeout` drops the
 * connection: otherwise unanswered commands would pile up for as long as it hangs.
 */
export function openRedis(
  options: { redisUrl: string; commandTimeoutMs: number },
  onError: (error: Error) => void,
): Redis {
  const redis = new Redis(options.redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: options.commandTimeoutMs,
    connectTimeout: 1_000,
    socketTimeout: 1_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
    // READONLY: a failover left us on a replica. Reconnect, to find the new primary behind the same address.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  return redis;
}

export async function isRedisReachable(redis: Redis): Promise<boolean> {
  return redis.ping().then(
    () => true,
    () => false,
  );
}

/** A connection for BullMQ, which blocks on it and wants its commands to wait for a Redis that is away. */
export function openQueueRedis(redisUrl: string, onError: (error: Error) => void): Redis {
  const redis = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * attempt, 2_000),
  });
  redis.on('error', onError);
  return redis;
}
