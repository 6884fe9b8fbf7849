import { type RawBuilder, sql } from 'kysely';
import type { Db } from './database.ts';

/** Deletes all but the newest rows of a user. `order`: the newest first. */
export async function keepNewestOf(
  db: Db,
  userId: string,
  {
    table,
    order,
    max,
  }: { table: 'known_places' | 'passkey_challenges'; order: RawBuilder<unknown>; max: number },
): Promise<void> {
  const name = sql.table(table);
  await sql`DELETE FROM ${name} WHERE ctid IN (
    SELECT ctid FROM ${name} WHERE user_id = ${userId} ORDER BY ${order} OFFSET ${max})`.execute(db);
}
