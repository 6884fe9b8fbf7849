import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';

/**
 * Brings the database to the newest schema. Forward only, every file in a transaction of its own; safe to run from several
 * processes at once, since node-pg-migrate holds an advisory lock.
 */
export async function migrate({ databaseUrl }: { databaseUrl: string }): Promise<void> {
  await runner({
    databaseUrl,
    dir: fileURLToPath(new URL('./migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'schema_migrations',
    singleTransaction: false,
    log: () => undefined,
  });
}
