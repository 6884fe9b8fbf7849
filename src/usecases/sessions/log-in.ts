import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { Origin } from '../../domain/audit-event.ts';
import { randomBase62 } from '../../domain/base62.ts';
import { emailKey } from '../../domain/email.ts';
import { type ErrorCode, FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { knownPlaceIds } from '../../domain/known-place.ts';
import { type LoginSubject, type LoginSubjects, loginSubjects } from '../../domain/login-throttle.ts';
import { normalizedPassword } from '../../domain/password.ts';
import type { PasswordLogin } from '../../domain/password-login.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import { anybody } from '../../domain/principal.ts';
import type {
  EnrolledKind,
  SecondFactorKind,
  SecondFactorProof,
  SecondFactorSetting,
} from '../../domain/second-factor.ts';
import type { SessionClient } from '../../domain/session.ts';
import { hashPassword, isOutdated, isPassword } from '../../password-hash.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  type Credentials,
  findCredentials,
  touchLogin,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { findEnrolledKinds, lockSecondFactors } from '../../stores/postgres/second-factors/second-factors.ts';
import { isKnownPlace, saveKnownPlace } from '../../stores/postgres/sessions/known-places.ts';
import { addLoginFailure, clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { type ChangeParts, commitChange, type Decision, type EventDraft } from '../change.ts';
import { askForSecondFactor } from '../second-factors/ask-for-second-factor.ts';
import { useSecondFactor } from '../second-factors/use-second-factor.ts';
import { requireNoLoginBlock } from './login-block.ts';
import { beginSession, type NewSession, type NewSessionParts, newSession } from './new-session.ts';
import { breakGlassEvent, type PasswordUse, passwordUseOf } from './password-use.ts';

export type LogInParts = Omit<ChangeParts, 'propagation'> &
  NewSessionParts & {
    keyring: Keyring;
    /**
     * Bounds concurrent logins: a flood of them must not slow down other work, so most are refused
     * unread.
     */
    passwordHashing: Bulkhead;
    secondFactor: SecondFactorSetting;
    passwordLogin: PasswordLogin;
    onBreakGlass: (userId: string, address: string | undefined) => void;
  };

export type LogInRequest = {
  email: string;
  password: string;
  client: SessionClient;
  /** Undefined at first: who logs in does not know yet whether the account has one. */
  secondFactor: SecondFactorProof | undefined;
  /** Our page that sent it, if one did. */
  page: URL | undefined;
  requestId: string;
};

/**
 * A request with what its failure would be counted by, the ids of its place (known-place.ts), and
 * whether the account has logged in from there lately.
 */
type Attempt = LogInRequest & { subjects: LoginSubjects; placeIds: Buffer[]; isPlaceKnown: boolean };

export type LoggedIn = { token: string; expiresAt: Date; user: PlatformUser };

/**
 * A token for who knows the password and, where the account has one, proves a second factor.
 * `INVALID_CREDENTIALS` for an unknown address and for a wrong password, after the same work; only
 * to who knew the password: `ACCOUNT_INACTIVE`, `PASSWORD_LOGIN_OFF` where the account has to use
 * the identity provider, `SECOND_FACTOR_REQUIRED` with what counts, and `SECOND_FACTOR_INVALID`.
 * `TOO_MANY_ATTEMPTS` after repeated failures, whatever the password; at a place that the account
 * knows, what failed elsewhere does not count.
 */
export function logIn(parts: LogInParts, request: LogInRequest): Promise<LoggedIn> {
  return parts.passwordHashing.run(() => logInNow(parts, request));
}

async function logInNow(parts: LogInParts, request: LogInRequest): Promise<LoggedIn> {
  const attempt = await recognize(parts, request);
  await requireNoLoginBlock(parts, waitingSubjects(attempt));
  const known = await findCredentials(parts.db, { email: request.email });
  const passwordHash = known?.passwordHash ?? (await nobodysHash(parts));
  const isRight = await isPassword(normalizedPassword(request.password), passwordHash);
  if (known === undefined || !isRight) return refuse(parts, attempt, known, 'INVALID_CREDENTIALS');
  if (!known.user.isActive) return refuse(parts, attempt, known, 'ACCOUNT_INACTIVE');
  const use = await passwordUseOf(parts, known.user);
  if (use === 'refused') return refuse(parts, attempt, known, 'PASSWORD_LOGIN_OFF');
  return begin(parts, attempt, known, use);
}

/**
 * The attempt with its subjects and its place. Runs before the account is read, so that a wait is
 * answered after the same work whether the account exists or not.
 */
async function recognize(parts: LogInParts, request: LogInRequest): Promise<Attempt> {
  const account = emailKey(request.email);
  const subjects = loginSubjects(parts.keyring, account, request.client.address);
  const placeIds = knownPlaceIds(parts.keyring, account, request.client.address);
  const isPlaceKnown = await isKnownPlace(parts.db, placeIds, parts.clock.now());
  return { ...request, subjects, placeIds, isPlaceKnown };
}

/** The subjects whose waits hold for this attempt. At a known place, the account's does not. */
function waitingSubjects({ subjects, isPlaceKnown }: Attempt): LoginSubject[] {
  const { pair, address, account } = subjects;
  return isPlaceKnown ? [pair, address] : [pair, address, account];
}

/**
 * A hash with today's parameters of what nobody knows: an unknown address takes as long as a known
 * one.
 */
let madeUp: Promise<string> | undefined;

function nobodysHash({ randomBytes }: LogInParts): Promise<string> {
  madeUp ??= hashPassword(randomBase62(randomBytes, 40));
  return madeUp;
}

async function refuse(
  parts: LogInParts,
  attempt: Attempt,
  known: Credentials | undefined,
  code: ErrorCode,
): Promise<never> {
  const by = { actor: { kind: anybody.kind, id: anybody.id }, requestId: attempt.requestId };
  await commitChange(parts, { by }, async (tx, now) => {
    await addLoginFailure(tx, Object.values(attempt.subjects), now);
    // Without the typed address: it may be a password in the wrong field.
    const event: EventDraft = {
      eventType: 'platform.login.refused',
      organizationId: null,
      targetId: known?.user.id ?? 'unknown',
      result: 'refused',
      details: { code, address: attempt.client.address ?? 'unknown' },
    };
    return { answer: {}, events: [event], revokes: revokesNothing };
  });
  throw new FlowplateError(code);
}

/** `kinds`: what the account has, when it has to be asked for. */
type Outcome = { kind: 'begun' | 'too late' | 'wrong factor' | 'ask'; kinds?: EnrolledKind[] };

async function begin(
  parts: LogInParts,
  attempt: Attempt,
  known: Credentials,
  use: PasswordUse,
): Promise<LoggedIn> {
  const { user, passwordHash } = known;
  const now = parts.clock.now();
  const created = await newSession(parts, user.id, {
    ...{ ...attempt.client, method: 'password' },
    secondFactor: null,
  });
  const renewedHash = isOutdated(passwordHash)
    ? await hashPassword(normalizedPassword(attempt.password))
    : undefined;
  const by: Origin = { actor: { kind: 'platform_user', id: user.id }, requestId: attempt.requestId };
  const login = { userId: user.id, email: attempt.email, passwordHash, renewedHash, now };
  const { answer } = await commitChange<Outcome>(parts, { by }, async (tx) => {
    const factor = await proveFactor(tx, parts, attempt, user.id);
    if ('events' in factor) return factor;
    if (!(await touchLogin(tx, login))) return decided({ kind: 'too late' });
    await noteSuccess(tx, attempt, user.id, now);
    const event = await beginSession(tx, withFactor(created, factor.secondFactor));
    return decided({ kind: 'begun' }, use === 'break-glass' ? [event, breakGlassEvent(event)] : [event]);
  });
  const { token, session } = created;
  if (answer.kind === 'begun' && use === 'break-glass') {
    parts.onBreakGlass(user.id, attempt.client.address);
  }
  if (answer.kind === 'begun')
    return { token, expiresAt: session.expiresAt, user: { ...user, lastLoginAt: now } };
  if (answer.kind === 'too late') return refuse(parts, attempt, known, 'INVALID_CREDENTIALS');
  if (answer.kind === 'wrong factor') throw new FlowplateError('SECOND_FACTOR_INVALID');
  throw await askForSecondFactor(parts, {
    ...{ userId: user.id, kinds: answer.kinds ?? [] },
    ...{ purpose: 'log in', page: attempt.page },
  });
}

function decided(answer: Outcome, events: EventDraft[] = []): Decision<Outcome> {
  return { answer, events, revokes: revokesNothing };
}

/**
 * The factor that was proved, null where the account has none; otherwise why there is no login. A
 * wrong one is counted and written down in the same transaction.
 */
async function proveFactor(
  tx: Tx,
  parts: LogInParts,
  { secondFactor: proof, page, client }: Attempt,
  userId: string,
): Promise<Decision<Outcome> | { secondFactor: SecondFactorKind | null }> {
  if (parts.secondFactor === 'off') return { secondFactor: null };
  await lockSecondFactors(tx, userId);
  const kinds = await findEnrolledKinds(tx, userId);
  if (kinds.length === 0) return { secondFactor: null };
  if (proof === undefined) return decided({ kind: 'ask', kinds });
  if (await useSecondFactor(tx, parts, { userId, proof, page, purpose: 'log in' })) {
    return { secondFactor: proof.kind };
  }
  const details = {
    code: 'SECOND_FACTOR_INVALID',
    second_factor: proof.kind,
    address: client.address ?? 'unknown',
  };
  const eventType = 'platform.login.refused';
  const refused: EventDraft = {
    eventType,
    organizationId: null,
    targetId: userId,
    result: 'refused',
    details,
  };
  return decided({ kind: 'wrong factor' }, [refused]);
}

async function noteSuccess(tx: Tx, attempt: Attempt, userId: string, now: Date): Promise<void> {
  const [placeId] = attempt.placeIds;
  if (placeId !== undefined) await saveKnownPlace(tx, { id: placeId, userId, now });
  await clearLoginFailures(tx, subjectsCleared(attempt));
}

function withFactor({ token, session }: NewSession, secondFactor: SecondFactorKind | null): NewSession {
  return { token, session: { ...session, origin: { ...session.origin, secondFactor } } };
}

/**
 * The subjects whose failures a success forgets. At a known place it leaves the account's: in the
 * middle of an attack, each login of the owner would give the attacker fifty free guesses more.
 */
function subjectsCleared({ subjects, isPlaceKnown }: Attempt): LoginSubject[] {
  return isPlaceKnown ? [subjects.pair] : [subjects.pair, subjects.account];
}
