import type { Clock } from '../../domain/clock.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { secondFactorSubject } from '../../domain/login-throttle.ts';
import { recoveryCodeDigests } from '../../domain/recovery-codes.ts';
import type { ChallengePurpose, PasskeySignature, SecondFactorProof } from '../../domain/second-factor.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { takePasskeyChallenge } from '../../stores/postgres/second-factors/passkey-challenges.ts';
import { listPasskeys, notePasskeyUse } from '../../stores/postgres/second-factors/passkeys.ts';
import { takeRecoveryCode } from '../../stores/postgres/second-factors/recovery-codes.ts';
import {
  findTotpApp,
  saveTotpSecret,
  type TotpApp,
  takeTotpStep,
} from '../../stores/postgres/second-factors/totp-apps.ts';
import { addLoginFailure, clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { requireNoLoginBlock } from '../sessions/login-block.ts';
import { challengeOf, findSignCount } from './passkeys.ts';
import { findTotpStep, openTotpSecret, sealTotpSecret } from './totp.ts';

export type FactorUse = {
  userId: string;
  proof: SecondFactorProof;
  purpose: Exclude<ChallengePurpose, 'enroll'>;
  /** Our page that sent it; a passkey signs for it. */
  page: URL | undefined;
};

/**
 * Whether the proof is good; it is used up. A wrong one is counted for the account, so the caller
 * commits either way. The caller holds the account's lock (`lockSecondFactors`): of two equal codes
 * at once one is good, and guesses at once are counted one by one. `TOO_MANY_ATTEMPTS`.
 */
export async function useSecondFactor(
  tx: Tx,
  { keyring, clock }: { keyring: Keyring; clock: Clock },
  use: FactorUse,
): Promise<boolean> {
  const now = clock.now();
  const subjects = [secondFactorSubject(keyring, use.userId)];
  await requireNoLoginBlock({ db: tx, clock }, subjects);
  const isGood = await isProof(tx, keyring, use, now);
  if (isGood) await clearLoginFailures(tx, subjects);
  else await addLoginFailure(tx, subjects, now);
  return isGood;
}

async function isProof(tx: Tx, keyring: Keyring, use: FactorUse, now: Date): Promise<boolean> {
  const { userId, proof } = use;
  if (proof.kind === 'passkey') return usePasskey(tx, use, proof, now);
  if (proof.kind === 'recovery_code') {
    return takeRecoveryCode(tx, userId, recoveryCodeDigests(keyring, userId, proof.code));
  }
  const app = await findTotpApp(tx, userId);
  return app?.isActive === true && useTotpCode(tx, keyring, app, proof.code, now);
}

/** Each code counts once. A secret under an old pepper is sealed anew. */
export async function useTotpCode(
  tx: Tx,
  keyring: Keyring,
  app: TotpApp,
  code: string,
  now: Date,
): Promise<boolean> {
  const secret = openTotpSecret(keyring, app);
  if (secret === undefined) return false;
  const step = findTotpStep(secret, code, now);
  if (step === undefined) return false;
  if (!(await takeTotpStep(tx, app.id, step, now))) return false;
  if (app.pepperId !== keyring[0].id)
    await saveTotpSecret(tx, app.id, sealTotpSecret(keyring, app.id, secret));
  return true;
}

async function usePasskey(
  tx: Tx,
  { userId, purpose, page }: FactorUse,
  signed: PasskeySignature,
  now: Date,
): Promise<boolean> {
  const challenge = challengeOf(signed.clientData);
  if (page === undefined || challenge === undefined) return false;
  // Before the signature is checked: a challenge gets one try.
  if (!(await takePasskeyChallenge(tx, { challenge, userId, purpose }, now))) return false;
  const passkeys = await listPasskeys(tx, userId);
  const passkey = passkeys.find(({ credentialId }) => credentialId === signed.credentialId);
  if (passkey === undefined || passkey.rpId !== page.hostname) return false;
  const signCount = await findSignCount(passkey, signed, { challenge, origin: page.origin });
  if (signCount === undefined) return false;
  await notePasskeyUse(tx, passkey.id, signCount, now);
  return true;
}
