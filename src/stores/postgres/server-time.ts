import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Server time for a process without heartbeats. */
export async function readServerTime(db: Db): Promise<Date> {
  const { now } = await sql<{ now: Date }>`SELECT clock_timestamp()::timestamptz(3) AS now`
    .execute(db)
    .then(({ rows }) => rows[0] as { now: Date });
  return now;
}
