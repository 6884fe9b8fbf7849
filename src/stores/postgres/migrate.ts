import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

/**
 * Number of the advisory lock. node-pg-migrate's own lock refuses a second process; this one makes
 * it wait.
 */
const migrationLock = 5_201_002;

/** SQL files, in the order of their names. */
export const migrationsDirectory = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Migrates the database to the newest schema. Forward only, one transaction per file. Processes
 * that start at once queue up, and find nothing left to do.
 */
export async function migrate({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'flowplate-migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await runner({
      dbClient: client,
      dir: migrationsDirectory,
      direction: 'up',
      migrationsTable: 'schema_migrations',
      singleTransaction: false,
      noLock: true,
      log: () => undefined,
    });
  } finally {
    await client.end();
  }
}
