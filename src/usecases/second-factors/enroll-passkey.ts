import { FlowplateError, validationError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing, revokesOperators } from '../../domain/key-change.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { type NewPasskey, passkeysMax } from '../../domain/second-factor.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { takePasskeyChallenge } from '../../stores/postgres/second-factors/passkey-challenges.ts';
import { insertPasskey, listPasskeys } from '../../stores/postgres/second-factors/passkeys.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import type { Enrolled } from './enroll-totp.ts';
import { newChallenge } from './passkey-request.ts';
import { challengeOf, readNewPasskey, relyingPartyOf } from './passkeys.ts';
import {
  completeEnrolment,
  holdOwnFactors,
  refusedEnrolment,
  requireSecondFactors,
  type SecondFactorParts,
} from './second-factor-changes.ts';

export type PasskeyOffer = { challenge: string; rpId: string; user: PlatformUser; existingIds: string[] };

/**
 * Begins to set up a passkey: what the browser needs to make one for this page.
 * `VALIDATION_ERROR` when no page of ours asks, or one at an IP address, which can have no passkey.
 */
export async function startPasskey(
  parts: SecondFactorParts,
  caller: Caller<PlatformPrincipal>,
  page: URL | undefined,
): Promise<PasskeyOffer> {
  requireSecondFactors(parts);
  const { rpId } = requirePage(page);
  const { answer } = await change<PasskeyOffer>(parts, { by: caller }, async (tx, now) => {
    await holdOwnFactors(tx, caller, now);
    const user = await findPlatformUser(tx, caller.principal.id);
    if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
    const existing = await listPasskeys(tx, user.id);
    requireRoom(existing.length);
    const challenge = await newChallenge({ ...parts, db: tx }, user.id, 'enroll');
    const existingIds = existing.map(({ credentialId }) => credentialId);
    const event = platformUserEvent('platform.second_factor.begun', user.id, { kind: 'passkey' });
    return { answer: { challenge, rpId, user, existingIds }, events: [event], revokes: revokesNothing };
  });
  return answer;
}

/**
 * Adds a passkey that the browser made for this page and this account's challenge. With the
 * account's first factor recovery codes come, and the other sessions end. `SECOND_FACTOR_INVALID`
 * for an answer that is not sound; its challenge is used up.
 */
export async function addPasskey(
  parts: SecondFactorParts,
  caller: Caller<PlatformPrincipal>,
  { name, passkey, page }: { name: string; passkey: NewPasskey; page: URL | undefined },
  idempotency?: Idempotency,
): Promise<Replayed<Enrolled>> {
  requireSecondFactors(parts);
  const { rpId, origin } = requirePage(page);
  const options = { by: caller, ends: 'operators', idempotency } as const;
  const done = await change<Enrolled | { wrong: true }>(parts, options, async (tx, now) => {
    const sessionId = await holdOwnFactors(tx, caller, now);
    const userId = caller.principal.id;
    requireRoom((await listPasskeys(tx, userId)).length);
    const wrong = refusedEnrolment(userId, 'passkey');
    const challenge = challengeOf(passkey.clientData) ?? '';
    if (!(await takePasskeyChallenge(tx, { challenge, userId, purpose: 'enroll' }, now))) return wrong;
    const read = await readNewPasskey(passkey, { challenge, origin, rpId });
    if (read === undefined) return wrong;
    const id = newId('secondFactor', now, parts.randomBytes);
    if (!(await insertPasskey(tx, { id, ...read }, { userId, name, now }))) {
      throw new FlowplateError('SECOND_FACTOR_ALREADY_EXISTS');
    }
    const recoveryCodes = await completeEnrolment(tx, parts, caller, { sessionId, kind: 'passkey', now });
    const details = { id, kind: 'passkey', name };
    const event = platformUserEvent('platform.second_factor.added', userId, details);
    return {
      answer: { id, recoveryCodes },
      events: [event],
      revokes: revokesOperators('platform_user', userId),
    };
  });
  if ('wrong' in done.answer) throw new FlowplateError('SECOND_FACTOR_INVALID');
  return { ...done, answer: done.answer };
}

function requirePage(page: URL | undefined): { rpId: string; origin: string } {
  const rpId = relyingPartyOf(page);
  if (page !== undefined && rpId !== undefined) return { rpId, origin: page.origin };
  throw validationError([
    { path: 'Origin', message: 'must be a page of this server under a name: an IP address has no passkeys' },
  ]);
}

function requireRoom(passkeys: number): void {
  if (passkeys < passkeysMax) return;
  throw validationError([{ path: '', message: `would make more than ${passkeysMax} passkeys; remove one` }]);
}
