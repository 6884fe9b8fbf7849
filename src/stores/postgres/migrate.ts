import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { sqlFiles } from './migration-files.ts';

/**
 * Number of the advisory lock. node-pg-migrate's own lock refuses a second process; this one makes
 * it wait.
 */
const migrationLock = 5_201_002;

const lockPollMs = 100;

/** SQL files, in the order of their names. */
export const migrationsDirectory = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Migrates the database to the newest schema, forward only. Processes that start at once queue up,
 * and find nothing left to do.
 */
export async function migrate({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'flowplate-migrate' });
  await client.connect();
  try {
    await takeLock(client);
    await runner({
      dbClient: client,
      dir: migrationsDirectory,
      direction: 'up',
      migrationsTable: 'schema_migrations',
      migrationLoaderStrategies: [sqlFiles],
      singleTransaction: false,
      noLock: true,
      log: () => undefined,
    });
  } finally {
    await client.end();
  }
}

/**
 * Polled: a statement that waits for the lock has a snapshot, and an index that is built beside
 * writers waits for every older snapshot. The two would wait for each other.
 */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS taken', [migrationLock]);
    if (rows[0].taken) return;
    await sleep(lockPollMs);
  }
}
