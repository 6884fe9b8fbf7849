import { sql } from 'kysely';
import type { ChallengePurpose } from '../../../domain/second-factor.ts';
import type { Database, Db, Tx } from '../database.ts';
import { deleteInBatches } from '../delete-in-batches.ts';
import { keepNewestOf } from '../keep-newest.ts';

/** An account keeps its newest challenges: more pages than these are not open at once. */
const challengesMax = 10;

type Challenge = { challenge: string; userId: string; purpose: ChallengePurpose };

export async function insertPasskeyChallenge(
  db: Db,
  { challenge, userId, purpose }: Challenge,
  expiresAt: Date,
): Promise<void> {
  await db
    .insertInto('passkey_challenges')
    .values({ challenge, user_id: userId, purpose, expires_at: expiresAt })
    .execute();
  const newest = { table: 'passkey_challenges', order: sql`expires_at DESC`, max: challengesMax } as const;
  await keepNewestOf(db, userId, newest);
}

/**
 * Uses a challenge up. False when it is unknown, expired, used already, or was made for another
 * account or purpose. Of two at once one gets true.
 */
export async function takePasskeyChallenge(
  tx: Tx,
  { challenge, userId, purpose }: Challenge,
  now: Date,
): Promise<boolean> {
  const result = await tx
    .deleteFrom('passkey_challenges')
    .where('challenge', '=', challenge)
    .where('user_id', '=', userId)
    .where('purpose', '=', purpose)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return result.numDeletedRows === 1n;
}

export async function deletePasskeyChallengesExpiredBefore(db: Database, notAfter: Date): Promise<number> {
  return deleteInBatches(db, 'passkey_challenges', sql`expires_at <= ${notAfter}`);
}
