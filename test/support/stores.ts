import type { Redis } from 'ioredis';
import { inject } from 'vitest';
import { Stamps } from '../../src/domain/stamp.ts';
import { type Database, openDatabase } from '../../src/stores/postgres/database.ts';
import { openPool, type PoolOptions } from '../../src/stores/postgres/pool.ts';
import { openRedis } from '../../src/stores/redis/client.ts';
import { defineLimitScripts } from '../../src/stores/redis/limits.ts';
import { cloneDatabase } from './database.ts';
import { type Around, observePool } from './observed-pool.ts';
import { freshRedis } from './redis.ts';
import { testKeyring } from './use-case-parts.ts';

export type TestStores = {
  databaseUrl: string;
  redisUrl: string;
  db: Database;
  redis: Redis;
  recordStamps: Stamps;
  history: { bytes: Buffer; requireCurrent: () => void };
  flushStamps: Stamps;
  /** Another pool on the same database with a wrapper. Closed with the rest. */
  observed(around: Around, options?: Partial<PoolOptions>): Database;
  /** Another connection to the same Redis. Closed with the rest. */
  connectRedis(): Promise<Redis>;
  flushRedis(): Promise<void>;
  close(): Promise<void>;
};

/** A database and a logical Redis for the caller, with our stores and no broker. */
export async function openStores(): Promise<TestStores> {
  const database = await cloneDatabase(inject('postgresUrl'));
  const { url: redisUrl, flush } = await freshRedis(inject('redisUrl'));
  const databases: Database[] = [];
  const connections: Redis[] = [];
  const open = (around: Around, options: Partial<PoolOptions> = {}) => {
    const pool = openPool({ ...poolOptions, ...options, databaseUrl: database.url }, () => undefined);
    const db = openDatabase(observePool(pool, around));
    databases.push(db);
    return db;
  };
  const connectRedis = async () => {
    const redis = await readyRedis(redisUrl);
    connections.push(redis);
    return redis;
  };
  return {
    databaseUrl: database.url,
    redisUrl,
    db: open((_text, run) => run()),
    redis: await connectRedis(),
    recordStamps: new Stamps(testKeyring, 'records'),
    history: { bytes: Buffer.alloc(16, 1), requireCurrent: () => undefined },
    flushStamps: new Stamps(testKeyring, 'usage'),
    observed: open,
    connectRedis,
    flushRedis: flush,
    close: async () => {
      for (const redis of connections) redis.disconnect();
      for (const db of databases) await db.destroy();
      await database.drop();
    },
  };
}

export async function readyRedis(redisUrl: string): Promise<Redis> {
  const redis = openRedis({ redisUrl, commandTimeoutMs: 5_000 }, () => undefined) as Redis;
  defineLimitScripts(redis);
  await new Promise((resolve) => redis.once('ready', resolve));
  return redis;
}

const poolOptions = {
  applicationName: 'flowplate-test',
  connectionsMax: 20,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 4_000,
};
