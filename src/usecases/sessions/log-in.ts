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
import { anybody, originOf } from '../../domain/principal.ts';
import type { SecondFactorKind, SecondFactorProof, SecondFactorSetting } from '../../domain/second-factor.ts';
import type { SessionClient } from '../../domain/session.ts';
import { hashPassword, isOutdated, isPassword } from '../../password-hash.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import {
  type Credentials,
  findCredentials,
  touchLogin,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { isKnownPlace, saveKnownPlace } from '../../stores/postgres/sessions/known-places.ts';
import { addLoginFailure, clearLoginFailures } from '../../stores/postgres/sessions/login-failures.ts';
import { type ChangeParts, commitChange, type Decision, type EventDraft } from '../change.ts';
import { askForSecondFactor } from '../second-factors/ask-for-second-factor.ts';
import { type Proving, proveFactor } from '../second-factors/prove-factor.ts';
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
  madeUp ??= hashPassword(randomBase62(randomBytes, 40)).catch((error: unknown) => {
    madeUp = undefined;
    throw error;
  });
  return madeUp;
}

async function refuse(
  parts: LogInParts,
  attempt: Attempt,
  known: Credentials | undefined,
  code: ErrorCode,
): Promise<never> {
  await commitChange(parts, { by: byAnybody(attempt) }, async (tx, now) => {
    await addLoginFailure(tx, Object.values(attempt.subjects), now);
    // Without the typed address: it may be a password in the wrong field.
    const event: EventDraft = {
      eventType: 'platform.login.refused',
      organizationId: null,
      targetId: known?.user.id ?? 'unknown',
      result: 'refused',
      details: { code },
    };
    return { answer: {}, events: [event], revokes: revokesNothing };
  });
  throw new FlowplateError(code);
}

type Outcome = { kind: 'begun' | 'too late' | 'wrong' } | Extract<Proving, { kind: 'ask' }>;

async function begin(
  parts: LogInParts,
  attempt: Attempt,
  known: Credentials,
  use: PasswordUse,
): Promise<LoggedIn> {
  const { user, passwordHash } = known;
  const now = parts.clock.now();
  const origin = { ...attempt.client, method: 'password', secondFactor: null } as const;
  const created = await newSession(parts, user.id, origin);
  const renewedHash = isOutdated(passwordHash)
    ? await hashPassword(normalizedPassword(attempt.password))
    : undefined;
  const by: Origin = {
    actor: { kind: 'platform_user', id: user.id },
    requestId: attempt.requestId,
    clientAddress: attempt.client.address ?? null,
  };
  const login = { userId: user.id, email: attempt.email, passwordHash, renewedHash, now };
  const { answer } = await commitChange<Outcome>(parts, { by }, async (tx) => {
    const proof = { userId: user.id, proof: attempt.secondFactor, page: attempt.page };
    const proving = await proveFactor(tx, parts, proof);
    if (proving.kind === 'ask') return decided(proving);
    const { secondFactor } = proving;
    if (proving.kind === 'wrong')
      return decided({ kind: 'wrong' }, wrongFactor(attempt, user.id, secondFactor));
    if (!(await touchLogin(tx, login))) return decided({ kind: 'too late' });
    await noteSuccess(tx, attempt, user.id, now);
    const event = await beginSession(tx, withFactor(created, secondFactor));
    const emergency = use === 'break-glass' ? [breakGlassEvent(event)] : [];
    return decided({ kind: 'begun' }, event, ...emergency);
  });
  if (answer.kind === 'too late') return refuse(parts, attempt, known, 'INVALID_CREDENTIALS');
  if (answer.kind === 'wrong') throw new FlowplateError('SECOND_FACTOR_INVALID');
  if (answer.kind === 'ask') {
    const asked = { userId: user.id, kinds: answer.kinds, page: attempt.page };
    throw await askForSecondFactor(parts, { ...asked, purpose: 'log in' });
  }
  if (use === 'break-glass') parts.onBreakGlass(user.id, attempt.client.address);
  const { token, session } = created;
  return { token, expiresAt: session.expiresAt, user: { ...user, lastLoginAt: now } };
}

function decided(answer: Outcome, ...events: EventDraft[]): Decision<Outcome> {
  return { answer, events, revokes: revokesNothing };
}

/** Who failed is nobody known: the password may be stolen. */
function wrongFactor(attempt: Attempt, userId: string, kind: SecondFactorKind | null): EventDraft {
  return {
    eventType: 'platform.login.refused',
    organizationId: null,
    targetId: userId,
    result: 'refused',
    details: { code: 'SECOND_FACTOR_INVALID', second_factor: kind },
    origin: byAnybody(attempt),
  };
}

function byAnybody({ requestId, client }: Attempt): Origin {
  return originOf({ principal: anybody, requestId, address: client.address });
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
