import { sql } from 'kysely';
import type { Db, Tx } from '../database.ts';

/** Replaces all recovery codes of a user. */
export async function replaceRecoveryCodes(
  tx: Tx,
  userId: string,
  digests: readonly Buffer[],
  now: Date,
): Promise<void> {
  await deleteRecoveryCodesOf(tx, userId);
  const rows = digests.map((digest) => ({ digest, user_id: userId, created_at: now }));
  await tx.insertInto('recovery_codes').values(rows).execute();
}

/** Uses a code up: true once. `digests`: of the typed code, one for each live pepper. */
export async function takeRecoveryCode(tx: Tx, userId: string, digests: readonly Buffer[]): Promise<boolean> {
  const result = await tx
    .deleteFrom('recovery_codes')
    .where('user_id', '=', userId)
    .where('digest', '=', sql<Buffer>`any(${digests}::bytea[])`)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export async function countRecoveryCodes(db: Db, userId: string): Promise<number> {
  const row = await db
    .selectFrom('recovery_codes')
    .select((expression) => expression.fn.countAll<string>().as('number'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return Number(row.number);
}

export async function deleteRecoveryCodesOf(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
}
