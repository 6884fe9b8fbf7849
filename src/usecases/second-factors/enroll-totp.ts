import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing, revokesOperators } from '../../domain/key-change.ts';
import { secondFactorSubject } from '../../domain/login-throttle.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import {
  activateTotpApp,
  findTotpApp,
  insertTotpApp,
} from '../../stores/postgres/second-factors/totp-apps.ts';
import { addLoginFailure, clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireNoLoginBlock } from '../sessions/login-block.ts';
import {
  completeEnrolment,
  holdOwnFactors,
  refusedEnrolment,
  requireSecondFactors,
  type SecondFactorParts,
} from './second-factor-changes.ts';
import { newTotpSecret, sealTotpSecret, totpUri } from './totp.ts';
import { useTotpCode } from './use-second-factor.ts';

export type NewTotp = { id: string; secret: string; uri: string };

/**
 * Begins to set up an authenticator app: a secret for it, which counts for nothing until
 * `activateTotp` has a code of it. Only this answer has the secret. Begun anew, the earlier secret
 * is void. `SECOND_FACTOR_ALREADY_EXISTS`, `STEP_UP_REQUIRED`, `SECOND_FACTORS_OFF`.
 */
export async function startTotp(
  parts: SecondFactorParts,
  caller: Caller<PlatformPrincipal>,
  idempotency?: Idempotency,
): Promise<Replayed<NewTotp>> {
  requireSecondFactors(parts);
  return change<NewTotp>(parts, { by: caller, idempotency }, async (tx, now) => {
    const userId = caller.principal.id;
    await holdOwnFactors(tx, caller, now);
    const id = newId('secondFactor', now, parts.randomBytes);
    const secret = newTotpSecret(parts.randomBytes);
    const app = { id, userId, now, ...sealTotpSecret(parts.keyring, id, secret) };
    if (!(await insertTotpApp(tx, app))) throw new FlowplateError('SECOND_FACTOR_ALREADY_EXISTS');
    const uri = totpUri(secret, await emailOf(tx, userId));
    const event = platformUserEvent('platform.second_factor.begun', userId, { id, kind: 'totp' });
    return { answer: { id, secret, uri }, events: [event], revokes: revokesNothing };
  });
}

async function emailOf(tx: Tx, userId: string): Promise<string> {
  return (await findPlatformUser(tx, userId))?.email ?? userId;
}

export type Enrolled = { id: string; recoveryCodes: string[] | null };

/**
 * The app proves with a code that it has the secret, and counts from then on. With the account's
 * first factor recovery codes come, and the other sessions end. `SECOND_FACTOR_NOT_FOUND` when
 * nothing was begun; `SECOND_FACTOR_INVALID`, counted like a wrong code at the login.
 */
export async function activateTotp(
  parts: SecondFactorParts,
  caller: Caller<PlatformPrincipal>,
  code: string,
  idempotency?: Idempotency,
): Promise<Replayed<Enrolled>> {
  requireSecondFactors(parts);
  const options = { by: caller, ends: 'operators', idempotency } as const;
  const done = await change<Enrolled | { wrong: true }>(parts, options, async (tx, now) => {
    const sessionId = await holdOwnFactors(tx, caller, now);
    const userId = caller.principal.id;
    const app = await findTotpApp(tx, userId);
    if (app === undefined || app.isActive) throw new FlowplateError('SECOND_FACTOR_NOT_FOUND');
    const subjects = [secondFactorSubject(parts.keyring, userId)];
    await requireNoLoginBlock({ db: tx, clock: parts.clock }, subjects);
    if (!(await useTotpCode(tx, parts.keyring, app, code, now))) {
      await addLoginFailure(tx, subjects, now);
      return refusedEnrolment(userId, 'totp');
    }
    await activateTotpApp(tx, app.id, now);
    await clearLoginFailures(tx, subjects);
    const recoveryCodes = await completeEnrolment(tx, parts, caller, { sessionId, kind: 'totp', now });
    const event = platformUserEvent('platform.second_factor.added', userId, { id: app.id, kind: 'totp' });
    const revokes = revokesOperators('platform_user', userId);
    return { answer: { id: app.id, recoveryCodes }, events: [event], revokes };
  });
  if ('wrong' in done.answer) throw new FlowplateError('SECOND_FACTOR_INVALID');
  return { ...done, answer: done.answer };
}
