import { Kysely, PostgresDialect, type PostgresPool, sql, type Transaction } from 'kysely';
import type { DB } from './schema.ts';

export type Database = Kysely<DB>;
export type Tx = Transaction<DB>;
/** First parameter of a store: the database, or the transaction of a change. */
export type Db = Database | Tx;

export function openDatabase(pool: PostgresPool): Database {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}

export async function isPostgresReachable(db: Database): Promise<boolean> {
  return sql`SELECT 1`.execute(db).then(
    () => true,
    () => false,
  );
}
