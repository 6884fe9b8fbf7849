import type { Clock, RandomBytes } from '../../domain/clock.ts';
import {
  type ChallengePurpose,
  type PasskeyRequest,
  passkeyChallengeLifeMs,
} from '../../domain/second-factor.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { insertPasskeyChallenge } from '../../stores/postgres/second-factors/passkey-challenges.ts';
import { listPasskeys } from '../../stores/postgres/second-factors/passkeys.ts';
import { newPasskeyChallenge, relyingPartyOf } from './passkeys.ts';

export type ChallengeParts = { db: Db; clock: Clock; randomBytes: RandomBytes };

/**
 * A challenge for the passkeys that an account has at this page; undefined where it has none, or
 * when no page of ours asks.
 */
export async function askForPasskey(
  parts: ChallengeParts,
  userId: string,
  purpose: Exclude<ChallengePurpose, 'enroll'>,
  page: URL | undefined,
): Promise<PasskeyRequest | undefined> {
  const rpId = relyingPartyOf(page);
  if (rpId === undefined) return undefined;
  const passkeys = (await listPasskeys(parts.db, userId)).filter((passkey) => passkey.rpId === rpId);
  if (passkeys.length === 0) return undefined;
  const challenge = await newChallenge(parts, userId, purpose);
  return { challenge, rpId, credentialIds: passkeys.map(({ credentialId }) => credentialId) };
}

/** A stored challenge: good once, for this account and purpose, and for five minutes. */
export async function newChallenge(
  { db, clock, randomBytes }: ChallengeParts,
  userId: string,
  purpose: ChallengePurpose,
): Promise<string> {
  const challenge = newPasskeyChallenge(randomBytes);
  const expiresAt = new Date(clock.now().getTime() + passkeyChallengeLifeMs);
  await insertPasskeyChallenge(db, { challenge, userId, purpose }, expiresAt);
  return challenge;
}
