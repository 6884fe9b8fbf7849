import { join } from 'node:path';
import { createDatabase } from '../services/create-database.ts';
import { startPostgres } from '../services/postgres.ts';
import { startRedis } from '../services/redis.ts';
import type { Supervisor } from '../services/supervise.ts';

export interface StoreUrls {
  DATABASE_URL: string;
  REDIS_URL: string;
}

/** Postgres and Redis: those of the environment, else our own in the data directory. */
export async function startStores(
  supervisor: Supervisor,
  dataDir: string,
  env: NodeJS.ProcessEnv,
): Promise<StoreUrls> {
  const [database, redis] = await Promise.all([
    env.DATABASE_URL ?? startOwnPostgres(supervisor, join(dataDir, 'postgres')),
    env.REDIS_URL ?? startOwnRedis(supervisor, join(dataDir, 'redis')),
  ]);
  return { DATABASE_URL: database, REDIS_URL: redis };
}

async function startOwnPostgres(supervisor: Supervisor, dataDir: string): Promise<string> {
  const postgres = await startPostgres({ dataDir });
  supervisor.add({ name: 'Postgres', ...postgres });
  return await createDatabase(postgres.url, 'flowplate');
}

async function startOwnRedis(supervisor: Supervisor, dataDir: string): Promise<string> {
  const redis = await startRedis({ dataDir });
  supervisor.add({ name: 'Redis', ...redis });
  return redis.url;
}
