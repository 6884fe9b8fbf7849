import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';
import type { DB } from './schema.ts';

/**
 * Some tens of milliseconds of work: far from any time-out, and locks that are held no longer than
 * that.
 */
const rowsPerBatch = 10_000;

/**
 * Deletes the rows that meet the condition, in a transaction for each ten thousand of them, and
 * returns how many there were. One statement for all would run into its time-out after a long
 * pause, and again at every later run.
 */
export async function deleteInBatches(
  db: Database,
  table: keyof DB,
  condition: RawBuilder<boolean>,
): Promise<number> {
  const name = sql.table(table);
  for (let deleted = 0; ; ) {
    // A row that was changed since it was found has another ctid, and stays.
    const { numAffectedRows = 0n } = await sql`
      DELETE FROM ${name} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM ${name} WHERE ${condition} LIMIT ${sql.lit(rowsPerBatch)}))`.execute(db);
    deleted += Number(numAffectedRows);
    if (numAffectedRows < rowsPerBatch) return deleted;
  }
}
