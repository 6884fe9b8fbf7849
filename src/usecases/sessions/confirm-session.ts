import { FlowplateError, validationError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { sessionSubject } from '../../domain/login-throttle.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import type { SecondFactorProof, SecondFactorSetting } from '../../domain/second-factor.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findCredentials } from '../../stores/postgres/platform-users/platform-users.ts';
import { findEnrolledKinds, lockSecondFactors } from '../../stores/postgres/second-factors/second-factors.ts';
import { clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { confirmSession as noteConfirmation } from '../../stores/postgres/sessions/sessions.ts';
import { change, type Decision } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { askForSecondFactor } from '../second-factors/ask-for-second-factor.ts';
import { useSecondFactor } from '../second-factors/use-second-factor.ts';
import { type OwnPasswordParts, requireOwnPassword, whyNoPassword } from './own-password.ts';
import { requireOwnSession } from './own-session.ts';

export type ConfirmParts = OwnPasswordParts & { secondFactor: SecondFactorSetting };

export type ConfirmRequest = {
  password: string | undefined;
  secondFactor: SecondFactorProof | undefined;
  page: URL | undefined;
};

/**
 * Step-up: the owner of a session proves again who they are, with the second factor if the account
 * has one, else with the password. `SECOND_FACTOR_REQUIRED` says what counts;
 * `SECOND_FACTOR_INVALID` and `INVALID_CREDENTIALS` are counted and written down;
 * `TOO_MANY_ATTEMPTS`; `SESSION_NOT_FOUND` for a platform key; `MANAGED_BY_PROVIDER` for an account
 * of the identity provider without a second factor, which signs in there again instead.
 */
export async function confirmSession(
  parts: ConfirmParts,
  caller: Caller<PlatformPrincipal>,
  { password, secondFactor, page }: ConfirmRequest,
): Promise<void> {
  const sessionId = requireOwnSession(caller.principal);
  const userId = caller.principal.id;
  const kinds = parts.secondFactor === 'off' ? [] : await findEnrolledKinds(parts.db, userId);
  if (kinds.length === 0) return confirmByPassword(parts, caller, sessionId, password);
  if (secondFactor === undefined) {
    throw await askForSecondFactor(parts, { userId, kinds, purpose: 'confirm', page });
  }
  const { answer } = await change<{ isGood: boolean }>(parts, { by: caller }, async (tx, now) => {
    await lockSecondFactors(tx, userId);
    const use = { userId, proof: secondFactor, page, purpose: 'confirm' } as const;
    const isGood = await useSecondFactor(tx, parts, use);
    const { kind } = secondFactor;
    if (isGood) await noteConfirmation(tx, sessionId, now, kind);
    return { ...told(userId, { sessionId, by: kind, isGood }), answer: { isGood } };
  });
  if (!answer.isGood) throw new FlowplateError('SECOND_FACTOR_INVALID');
}

async function confirmByPassword(
  parts: ConfirmParts,
  caller: Caller<PlatformPrincipal>,
  sessionId: string,
  typed: string | undefined,
): Promise<void> {
  const userId = caller.principal.id;
  const known = await findCredentials(parts.db, { id: userId });
  if (known === undefined) throw await whyNoPassword(parts, caller);
  if (typed === undefined) throw validationError([{ path: 'password', message: 'is required' }]);
  await requireOwnPassword(parts, caller, known, { typed, at: 'confirm' });
  await change(parts, { by: caller }, async (tx, now) => {
    await requireNoNewFactor(tx, parts, userId);
    await noteConfirmation(tx, sessionId, now, undefined);
    await clearLoginFailures(tx, [sessionSubject(parts.keyring, sessionId)]);
    return { ...told(userId, { sessionId, by: 'password', isGood: true }), answer: {} };
  });
}

/** The account got a second factor meanwhile, and from then on the password is not enough. */
async function requireNoNewFactor(tx: Tx, { secondFactor }: ConfirmParts, userId: string): Promise<void> {
  await lockSecondFactors(tx, userId);
  const kinds = secondFactor === 'off' ? [] : await findEnrolledKinds(tx, userId);
  if (kinds.length > 0) throw new FlowplateError('SECOND_FACTOR_REQUIRED', { details: { methods: kinds } });
}

function told(
  userId: string,
  { sessionId, by, isGood }: { sessionId: string; by: string; isGood: boolean },
): Pick<Decision<object>, 'events' | 'revokes'> {
  const refusal = isGood ? {} : { code: 'SECOND_FACTOR_INVALID' };
  const details = { session_id: sessionId, by, ...refusal };
  const event = platformUserEvent('platform.session.confirmed', userId, details);
  return { events: [{ ...event, result: isGood ? 'success' : 'refused' }], revokes: revokesNothing };
}
