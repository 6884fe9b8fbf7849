import { sql } from 'kysely';
import type { Db } from '../database.ts';

export type SetAsideFlush = { flushId: string; payload: Buffer; error: string };

export type KeptAsideFlush = SetAsideFlush & { number: number; setAsideAt: Date };

/** Postgres text has no NUL, while ids and errors of faulty flushes may have any. */
const spelled = (text: string) => text.replaceAll('\0', '\uFFFD');

export async function insertSetAsideFlush(db: Db, flush: SetAsideFlush): Promise<void> {
  await db
    .insertInto('usage_flushes_set_aside')
    .values({ flush_id: spelled(flush.flushId), payload: flush.payload, error: spelled(flush.error) })
    .execute();
}

/** Oldest first, after number `after`. */
export async function listSetAsideFlushes(db: Db, after: number, limit: number): Promise<KeptAsideFlush[]> {
  const rows = await db
    .selectFrom('usage_flushes_set_aside')
    .select(['number', 'flush_id', 'payload', 'error', 'set_aside_at'])
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    number: row.number,
    flushId: row.flush_id,
    payload: row.payload,
    error: row.error,
    setAsideAt: row.set_aside_at,
  }));
}

export async function deleteSetAsideFlush(db: Db, number: number): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('usage_flushes_set_aside')
    .where('number', '=', number)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

export async function countSetAsideFlushes(db: Db): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`SELECT count(*) AS count FROM usage_flushes_set_aside`.execute(db);
  return rows[0]?.count ?? 0;
}
