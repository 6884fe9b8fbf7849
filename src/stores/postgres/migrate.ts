import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

/**
 * One number for the whole deployment; node-pg-migrate's own lock refuses the second process
 * instead of letting it wait.
 */
const migrationLock = 5_201_002;

/**
 * Brings the database to the newest schema: forward only, every file in a transaction of its own.
 * Processes that start at once take turns, and find nothing left to do.
 */
export async function migrate({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'flowplate-migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await runner({
      dbClient: client,
      dir: fileURLToPath(new URL('./migrations', import.meta.url)),
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
