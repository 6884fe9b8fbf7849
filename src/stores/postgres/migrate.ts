import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import type pg from 'pg';
import { Connector } from './connect.ts';
import { sqlFiles } from './migration-files.ts';

/**
 * Number of the advisory lock. node-pg-migrate's own lock refuses a second process; this one makes
 * it wait.
 */
const migrationLock = 5_201_002;

const lockPollMs = 100;

/** A migration that gave up, so that readers of its table could go on (`lock_timeout`). */
const LOCK_NOT_AVAILABLE = '55P03';
const retryPauseMs = 1_000;
const retryMsMax = 600_000;
const connectTimeoutMs = 10_000;

/** SQL files, in the order of their names. */
export const migrationsDirectory = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Migrates the database to the newest schema, forward only. Processes that start at once queue up,
 * and find nothing left to do.
 */
export async function migrate({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  const connector = new Connector(databaseUrl, { application_name: 'flowplate-migrate', connectTimeoutMs });
  const { client } = await connector.connect();
  try {
    await takeLock(client);
    await runAll(client);
  } finally {
    await client.end();
  }
}

/** Repeats what gave up, for ten minutes; migrations that are done are not done again. */
async function runAll(client: pg.Client): Promise<void> {
  const giveUpAt = performance.now() + retryMsMax;
  for (;;) {
    try {
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
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      if (performance.now() > giveUpAt) throw error;
    }
    await client.query('ROLLBACK');
    await sleep(retryPauseMs);
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
