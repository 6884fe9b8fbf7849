import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { createDatabase } from '../../scripts/services/create-database.ts';
import { type EmbeddedPostgres, startPostgres } from '../../scripts/services/postgres.ts';
import { type EmbeddedRedis, startRedis } from '../../scripts/services/redis.ts';
import { migrate } from '../../src/stores/postgres/migrate.ts';
import { TEMPLATE_DATABASE } from './database.ts';
import { makeRunDirectory } from './run-directory.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser, database `postgres`: for `cloneDatabase`. */
    postgresUrl: string;
    /** Logical database 0: for `freshRedis`. */
    redisUrl: string;
    /** For the data of servers; removed at the end of the run. */
    runDirectory: string;
  }
}

/** Starts one Postgres and one Redis for the whole run, in a temporary directory. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await makeRunDirectory();
  const running: (EmbeddedPostgres | EmbeddedRedis)[] = [];
  const teardown = async () => {
    for (const server of running.reverse()) await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const redis = await startRedis({ dataDir: join(directory, 'redis'), settings: { appendonly: 'no' } });
    running.push(redis);
    // Test data is disposable; without fsync cloning a database takes half the time.
    const settings = {
      fsync: 'off',
      synchronous_commit: 'on',
      full_page_writes: 'off',
      max_connections: '400',
    };
    const postgres = await startPostgres({ dataDir: join(directory, 'postgres'), settings });
    running.push(postgres);
    await prepareTemplate(postgres.url);
    project.provide('postgresUrl', postgres.url);
    project.provide('redisUrl', redis.url);
    project.provide('runDirectory', directory);
    return teardown;
  } catch (err) {
    await teardown();
    throw err;
  }
}

// Closed to connections: Postgres cannot clone a database in use.
async function prepareTemplate(adminUrl: string): Promise<void> {
  await migrate({ databaseUrl: await createDatabase(adminUrl, TEMPLATE_DATABASE) });
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`ALTER DATABASE ${TEMPLATE_DATABASE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  await admin.end();
}
