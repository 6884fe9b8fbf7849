import { readdir } from 'node:fs/promises';
import { sql } from 'kysely';
import type { PostgresFacts } from '../../domain/diagnosis.ts';
import type { PostgresSafety } from '../../domain/postgres-safety.ts';
import type { Db } from './database.ts';
import { migrationsDirectory } from './migrate.ts';

const safetyColumns = sql`
  current_setting('fsync') AS "fsync",
  current_setting('full_page_writes') AS "fullPageWrites",
  current_setting('synchronous_commit') AS "synchronousCommit",
  current_setting('synchronous_standby_names') AS "synchronousStandbyNames",
  current_setting('transaction_read_only')::boolean OR pg_is_in_recovery() AS "isReadOnly"`;

/** As this connection has them: a role or a database may differ from the server. */
export async function readPostgresSafety(db: Db): Promise<PostgresSafety> {
  const { rows } = await sql<PostgresSafety>`SELECT ${safetyColumns}`.execute(db);
  return rows[0] as PostgresSafety;
}

/** Safety, version, schema, and what it has to share. */
export async function readPostgresFacts(db: Db): Promise<PostgresFacts> {
  const [{ rows }, applied, known] = await Promise.all([
    sql<Omit<PostgresFacts, 'pendingMigrations' | 'unknownMigrations' | 'nowMs'> & { now: Date }>`
      SELECT current_setting('server_version_num')::int AS "version",
             ${safetyColumns},
             (SELECT count(*)::int FROM pg_stat_replication) AS "replicas",
             current_setting('max_connections')::int AS "connectionsMax",
             clock_timestamp()::timestamptz(3) AS "now"`.execute(db),
    sql<{ name: string }>`SELECT name FROM schema_migrations ORDER BY name`.execute(db),
    migrationNames(),
  ]);
  const { now, ...settings } = rows[0] as (typeof rows)[number];
  const names = new Set(applied.rows.map(({ name }) => name));
  return {
    ...settings,
    nowMs: now.getTime(),
    pendingMigrations: known.filter((name) => !names.has(name)),
    unknownMigrations: [...names].filter((name) => !known.includes(name)),
  };
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(migrationsDirectory);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.replace(/\.sql$/, ''))
    .sort();
}
