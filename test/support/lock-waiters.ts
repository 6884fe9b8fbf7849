import { sql } from 'kysely';
import type { Database } from '../../src/stores/postgres/database.ts';

/** How many connections to this database wait for a lock. */
export async function lockWaiters(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db);
  return rows[0]?.count ?? 0;
}
