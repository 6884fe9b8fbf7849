import { randomBytes } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Head } from '../domain/audit-seal.ts';
import type { RandomBytes } from '../domain/clock.ts';
import type { Keyring } from '../domain/key-digest.ts';
import { Stamps } from '../domain/stamp.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type Database, openDatabase } from '../stores/postgres/database.ts';
import { openPool } from '../stores/postgres/pool.ts';
import { countSetAsideFlushes } from '../stores/postgres/usage/set-aside-flushes.ts';
import { openQueue } from '../stores/queue.ts';
import { openQueueRedis, openRedis } from '../stores/redis/client.ts';
import { countFlushes } from '../stores/redis/usage-flushes.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { Retention } from '../usecases/usage/manage-partitions.ts';
import type { OnSetAside } from '../usecases/usage/set-flush-aside.ts';
import { processParts } from './process-parts.ts';
import { tellOfSetAside } from './report-set-aside-flush.ts';

export type WorkerParts = {
  db: Database;
  redis: Redis;
  queue: Queue;
  queueRedis: Redis;
  randomBytes: RandomBytes;
  keyring: Keyring;
  flushStamps: Stamps;
  onHead: (head: Head) => void;
  retention: Retention;
  onSetAside: OnSetAside;
};

/** Builds the parts of the worker. Its statements may be slow: no caller waits for them. */
export function wireWorker(config: Config, log: Log, metrics: Metrics, tracing?: Tracing) {
  const { closing, fault } = processParts(config, log, metrics, tracing);
  const db = openDatabase(
    openPool(
      {
        databaseUrl: config.DATABASE_URL,
        applicationName: 'flowplate-worker',
        connectionsMax: 4,
        connectTimeoutMs: 5_000,
        statementTimeoutMs: 30_000,
        lockTimeoutMs: 10_000,
        tracing,
      },
      fault('postgres'),
    ),
  );
  closing.add('pool', () => db.destroy());
  const redis = openRedis({ redisUrl: config.REDIS_URL, commandTimeoutMs: 5_000, tracing }, fault('redis'));
  closing.add('redis', () => redis.disconnect());
  const queueRedis = openQueueRedis(config.QUEUE_REDIS_URL ?? config.REDIS_URL, fault('queue redis'));
  closing.add('queue redis', () => queueRedis.disconnect());
  const queue = openQueue(queueRedis, fault('queue'));
  closing.add('queue', () => queue.close());

  metrics.watch('flowplate_usage_flushes_waiting', 'Usage flushes in Redis, not rolled up yet', () =>
    countFlushes(redis).catch(() => Number.NaN),
  );
  metrics.watch('flowplate_usage_flushes_aside', 'Usage flushes that were set aside and not put back', () =>
    countSetAsideFlushes(db).catch(() => Number.NaN),
  );
  const retention = { usageHoursDays: config.USAGE_HOURS_DAYS, usageDaysDays: config.USAGE_DAYS_DAYS };
  const parts: WorkerParts = {
    db,
    redis,
    queue,
    queueRedis,
    randomBytes,
    keyring: config.FLOWPLATE_PEPPERS,
    flushStamps: new Stamps(config.FLOWPLATE_PEPPERS, 'usage'),
    onHead: ({ seq, hash }) => log.info({ seq, hash: hash.toString('hex') }, 'audit sealed'),
    retention,
    onSetAside: tellOfSetAside(log, metrics),
  };
  return { parts, closing, fault };
}
