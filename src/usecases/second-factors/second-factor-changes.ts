import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { newRecoveryCodes, recoveryCodeDigests } from '../../domain/recovery-codes.ts';
import type { EnrolledKind, SecondFactorSetting } from '../../domain/second-factor.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { replaceRecoveryCodes } from '../../stores/postgres/second-factors/recovery-codes.ts';
import { listSecondFactors, lockSecondFactors } from '../../stores/postgres/second-factors/second-factors.ts';
import { confirmSession, deleteSessionsOf } from '../../stores/postgres/sessions/sessions.ts';
import type { ChangeParts, Decision } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireConfirmed, requireOwnSession } from '../sessions/own-session.ts';

/** Dependencies of all use cases about one's own second factors. */
export type SecondFactorParts = ChangeParts & { keyring: Keyring; secondFactor: SecondFactorSetting };

/** `SECOND_FACTORS_OFF` where the deployment has none. Those that exist can still be removed. */
export function requireSecondFactors({ secondFactor }: Pick<SecondFactorParts, 'secondFactor'>): void {
  if (secondFactor === 'off') throw new FlowplateError('SECOND_FACTORS_OFF');
}

/**
 * Begins a change of the caller's own factors: locks the account, and wants a confirmed session,
 * so that a stolen one can neither add a factor nor take one away. `STEP_UP_REQUIRED`,
 * `SESSION_NOT_FOUND` for a platform key. Returns the session's id.
 */
export async function holdOwnFactors(tx: Tx, caller: Caller<PlatformPrincipal>, now: Date): Promise<string> {
  const sessionId = requireOwnSession(caller.principal);
  await lockSecondFactors(tx, caller.principal.id);
  await requireConfirmed(tx, caller, now);
  return sessionId;
}

/**
 * Completes an enrolment: this session counts as one with the factor. The account's first factor
 * ends the other sessions, which began without one, and brings recovery codes; null later.
 */
export async function completeEnrolment(
  tx: Tx,
  { keyring, randomBytes }: SecondFactorParts,
  { principal }: Caller<PlatformPrincipal>,
  { sessionId, kind, now }: { sessionId: string; kind: EnrolledKind; now: Date },
): Promise<string[] | null> {
  await confirmSession(tx, sessionId, now, kind);
  const factors = await listSecondFactors(tx, principal.id);
  if (factors.length > 1) return null;
  await deleteSessionsOf(tx, principal.id, sessionId);
  return saveNewRecoveryCodes(tx, { keyring, randomBytes }, principal.id, now);
}

/** Ten new codes in place of all others; only this answer has them. */
export async function saveNewRecoveryCodes(
  tx: Tx,
  { keyring, randomBytes }: Pick<SecondFactorParts, 'keyring' | 'randomBytes'>,
  userId: string,
  now: Date,
): Promise<string[]> {
  const codes = newRecoveryCodes(randomBytes);
  const digests = codes.flatMap((code) => recoveryCodeDigests([keyring[0]], userId, code));
  await replaceRecoveryCodes(tx, userId, digests, now);
  return codes;
}

/** An enrolment whose proof was wrong: nothing is added, and that is written down. */
export function refusedEnrolment(userId: string, kind: EnrolledKind): Decision<{ wrong: true }> {
  const details = { kind, code: 'SECOND_FACTOR_INVALID' };
  const event = platformUserEvent('platform.second_factor.added', userId, details);
  return { answer: { wrong: true }, events: [{ ...event, result: 'refused' }], revokes: revokesNothing };
}
