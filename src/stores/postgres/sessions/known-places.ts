import { sql } from 'kysely';
import { knownPlaceLifeMs, knownPlacesMax } from '../../../domain/known-place.ts';
import type { Database, Db, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { keepNewestOf } from '../keep-newest.ts';

/** Whether a login of the last 30 days has one of these ids. */
export async function isKnownPlace(db: Db, ids: readonly Buffer[], now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('known_places')
    .select('id')
    .where('id', '=', sql<Buffer>`any(${ids}::bytea[])`)
    .where('last_login_at', '>', new Date(now.getTime() - knownPlaceLifeMs))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Notes a login from this place and drops all but the user's newest ones. The caller holds the
 * user's row, so that two logins at once keep no more than that together.
 */
export async function saveKnownPlace(
  tx: Tx,
  { id, userId, now }: { id: Buffer; userId: string; now: Date },
): Promise<void> {
  await tx
    .insertInto('known_places')
    .values({ id, user_id: userId, last_login_at: now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ user_id: userId, last_login_at: now }))
    .execute();
  const newest = { table: 'known_places', order: sql`last_login_at DESC`, max: knownPlacesMax } as const;
  await keepNewestOf(tx, userId, newest);
}

export async function deleteKnownPlacesOf(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom('known_places').where('user_id', '=', userId).execute();
}

export async function deleteKnownPlacesBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'known_places', sql`last_login_at <= ${notAfter}`);
}
