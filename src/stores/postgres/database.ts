import { Kysely, PostgresDialect, type PostgresPool, type Transaction } from 'kysely';
import type { DB } from './schema.ts';

export type Database = Kysely<DB>;
export type Tx = Transaction<DB>;
/** First parameter of a store: the database, or the transaction of a change. */
export type Db = Database | Tx;

export function openDatabase(pool: PostgresPool): Database {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}
