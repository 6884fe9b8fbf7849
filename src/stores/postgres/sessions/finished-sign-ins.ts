import { sql } from 'kysely';
import type { Database, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';

/** Marks a sign-in as done. False when it was done before, or at the same time. */
export async function finishSignIn(
  tx: Tx,
  { id, expiresAt }: { id: Buffer; expiresAt: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('finished_sign_ins')
    .values({ id, expires_at: expiresAt })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function deleteFinishedSignInsBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'finished_sign_ins', sql`expires_at <= ${notAfter}`);
}
