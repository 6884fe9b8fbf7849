import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';
import type { DB } from './schema.ts';

/** Some tens of milliseconds, well below the time-outs; locks are held no longer. */
const rowsPerBatch = 10_000;

/**
 * Deletes the rows that match, ten thousand per transaction, and returns their number. A single
 * statement would time out after a long pause, and again at every later run.
 */
export async function deleteInBatches(
  db: Database,
  table: keyof DB,
  condition: RawBuilder<boolean>,
): Promise<number> {
  const name = sql.table(table);
  for (let deleted = 0; ; ) {
    // A row that was changed since has another ctid, and stays.
    const { numAffectedRows = 0n } = await sql`
      DELETE FROM ${name} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM ${name} WHERE ${condition} LIMIT ${sql.lit(rowsPerBatch)}))`.execute(db);
    deleted += Number(numAffectedRows);
    if (numAffectedRows < rowsPerBatch) return deleted;
  }
}
