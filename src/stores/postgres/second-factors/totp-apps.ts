import type { Db, Tx } from '../database.ts';

export type TotpApp = {
  id: string;
  /** Base32, sealed under the pepper with this id. */
  sealedSecret: Buffer;
  pepperId: string;
  /** The newest time step whose code was accepted; null before the first. */
  lastStep: number | null;
  isActive: boolean;
};

export async function findTotpApp(db: Db, userId: string): Promise<TotpApp | undefined> {
  const row = await db
    .selectFrom('second_factors')
    .select(['id', 'sealed_secret', 'pepper_id', 'last_step', 'activated_at'])
    .where('user_id', '=', userId)
    .where('kind', '=', 'totp')
    .executeTakeFirst();
  if (row === undefined || row.sealed_secret === null || row.pepper_id === null) return undefined;
  return {
    id: row.id,
    sealedSecret: row.sealed_secret,
    pepperId: row.pepper_id,
    lastStep: row.last_step,
    isActive: row.activated_at !== null,
  };
}

/** Begins an enrolment in place of one that was never finished. False when an active app exists. */
export async function insertTotpApp(
  tx: Tx,
  app: { id: string; userId: string; sealedSecret: Buffer; pepperId: string; now: Date },
): Promise<boolean> {
  await tx
    .deleteFrom('second_factors')
    .where('user_id', '=', app.userId)
    .where('kind', '=', 'totp')
    .where('activated_at', 'is', null)
    .execute();
  const result = await tx
    .insertInto('second_factors')
    .values({
      id: app.id,
      user_id: app.userId,
      kind: 'totp',
      name: 'Authenticator app',
      created_at: app.now,
      sealed_secret: app.sealedSecret,
      pepper_id: app.pepperId,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

export async function activateTotpApp(tx: Tx, id: string, now: Date): Promise<void> {
  await tx.updateTable('second_factors').set({ activated_at: now }).where('id', '=', id).execute();
}

/** Notes the use of a step's code. False when this step or a later one was used: a replay. */
export async function takeTotpStep(tx: Tx, id: string, step: number, now: Date): Promise<boolean> {
  const result = await tx
    .updateTable('second_factors')
    .set({ last_step: step, last_used_at: now })
    .where('id', '=', id)
    .where((app) => app.or([app('last_step', 'is', null), app('last_step', '<', step)]))
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function saveTotpSecret(
  tx: Tx,
  id: string,
  { sealedSecret, pepperId }: Pick<TotpApp, 'sealedSecret' | 'pepperId'>,
): Promise<void> {
  await tx
    .updateTable('second_factors')
    .set({ sealed_secret: sealedSecret, pepper_id: pepperId })
    .where('id', '=', id)
    .execute();
}
