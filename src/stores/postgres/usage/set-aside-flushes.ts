import { sql } from 'kysely';
import type { Db } from '../database.ts';

export type SetAsideFlush = { flushId: string; payload: Buffer; error: string };

export type KeptAsideFlush = SetAsideFlush & { number: number; setAsideAt: Date };

/** Postgres text has no NUL, while ids and errors of faulty flushes may have any. */
const spelled = (text: string) => text.replaceAll('\0', '\uFFFD');

/**
 * False when it is there already: another run has just set it aside, or one was killed before it
 * removed it from Redis.
 */
export async function insertSetAsideFlush(db: Db, flush: SetAsideFlush): Promise<boolean> {
  const [id, error] = [spelled(flush.flushId), spelled(flush.error)];
  const { rows } = await sql`
    INSERT INTO usage_flushes_set_aside (flush_id, payload, error)
    SELECT ${id}, ${flush.payload}, ${error}
    WHERE NOT EXISTS (SELECT FROM usage_flushes_set_aside WHERE flush_id = ${id} AND payload = ${flush.payload})
    RETURNING number`.execute(db);
  return rows.length > 0;
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
