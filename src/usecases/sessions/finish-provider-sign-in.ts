import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import { type ErrorCode, FlowplateError } from '../../domain/errors.ts';
import type { GroupRoles } from '../../domain/group-roles.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { type LoginSubject, loginSubjects } from '../../domain/login-throttle.ts';
import { anybody, originOf } from '../../domain/principal.ts';
import type { SessionClient } from '../../domain/session.ts';
import { attemptId, attemptLifeMs, openAttempt, type SignInAttempt } from '../../domain/sign-in-attempt.ts';
import type { Identity, IdentityProvider } from '../../oidc/identity-provider.ts';
import { ProviderFault } from '../../oidc/provider-fault.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { finishSignIn } from '../../stores/postgres/sessions/finished-sign-ins.ts';
import { addLoginFailure } from '../../stores/postgres/sessions/login-failures.ts';
import { confirmSession, findSessionHolder } from '../../stores/postgres/sessions/sessions.ts';
import { type ChangeParts, commitChange, type EventDraft } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { requireNoLoginBlock } from './login-block.ts';
import { beginSession, type NewSessionParts, newSession, withSigningKey } from './new-session.ts';
import { admitIdentity } from './provider-account.ts';

/** Why a sign-in with the provider came to nothing. docs/sign-in.md explains each to its reader. */
export const signInRefusals = [
  'expired',
  'unavailable',
  'cancelled',
  'untrusted',
  'no-role',
  'email-taken',
  'inactive',
  'another-account',
  'busy',
] as const;

export type SignInRefusal = (typeof signInRefusals)[number];

export type FinishParts = Omit<ChangeParts, 'propagation'> &
  NewSessionParts & {
    keyring: Keyring;
    /** Bounds what strangers can make this service ask of the provider. */
    providerCalls: Bulkhead;
    onProviderFault: (fault: ProviderFault) => void;
  };

export type CompanySignIn = { provider: IdentityProvider; groupRoles: GroupRoles };

export type SignInRequest = {
  /** Parameters of the callback. */
  answer: URLSearchParams;
  /** The cookie of the browser. */
  sealed: string | undefined;
  client: SessionClient;
  requestId: string;
};

/** `session` is undefined when the sign-in has confirmed the one that there was. */
export type SignedIn = { session: { token: string; expiresAt: Date } | undefined; next: string };

/**
 * Ends a sign-in with the identity provider in a session. Account and roles come from the identity
 * (provider-account.ts). A refusal is a value, because a browser waits for a page. Each attempt
 * works once, also when two callbacks arrive at once. An attempt to confirm a session confirms it
 * if the same person has just proved to the provider who they are.
 */
export async function finishProviderSignIn(
  parts: FinishParts,
  company: CompanySignIn,
  request: SignInRequest,
): Promise<SignedIn | SignInRefusal> {
  const attempt =
    request.sealed === undefined ? undefined : openAttempt(parts.keyring, request.sealed, parts.clock.now());
  if (attempt === undefined) return 'expired';
  // Before the provider is asked: without its state the callback belongs to another browser.
  if (request.answer.getAll('state').join() !== attempt.state) return 'expired';
  try {
    const { address } = loginSubjects(parts.keyring, '', request.client.address);
    await requireNoLoginBlock(parts, [address]);
    return await parts.providerCalls.run(() => finish(parts, company, request, attempt, address));
  } catch (error) {
    if (error instanceof FlowplateError && busyCodes.includes(error.code)) return 'busy';
    throw error;
  }
}

const busyCodes: readonly ErrorCode[] = ['TOO_MANY_ATTEMPTS', 'OVERLOADED', 'DEPENDENCY_UNAVAILABLE'];

async function finish(
  parts: FinishParts,
  { provider, groupRoles }: CompanySignIn,
  request: SignInRequest,
  attempt: SignInAttempt,
  place: LoginSubject,
): Promise<SignedIn | SignInRefusal> {
  const identity = await provider.identify(request.answer, attempt).catch((error: unknown) => {
    if (error instanceof ProviderFault) return error;
    throw error;
  });
  if (!(identity instanceof ProviderFault)) {
    if (isFreshEnough(attempt, identity)) return admit(parts, groupRoles, request, attempt, identity);
    await noteRefusal(parts, request, place, new ProviderFault('untrusted', new Error('auth_time is old')));
    return 'untrusted';
  }
  parts.onProviderFault(identity);
  if (identity.kind === 'unavailable') return 'unavailable';
  await noteRefusal(parts, request, place, identity);
  return identity.kind === 'denied' ? 'cancelled' : 'untrusted';
}

const clockToleranceMs = 60_000;

/** Step-up: the provider must have asked for credentials since, and not only remembered them. */
function isFreshEnough({ confirms, startedAtMs }: SignInAttempt, { authenticatedAt }: Identity): boolean {
  if (confirms === undefined) return true;
  return authenticatedAt !== undefined && authenticatedAt.getTime() >= startedAtMs - clockToleranceMs;
}

async function noteRefusal(
  parts: FinishParts,
  { client, requestId }: SignInRequest,
  place: LoginSubject,
  { kind }: ProviderFault,
): Promise<void> {
  const by = originOf({ principal: anybody, requestId, address: client.address });
  await commitChange(parts, { by }, async (tx, now) => {
    await addLoginFailure(tx, [place], now);
    const details = { method: 'oidc', code: kind };
    const event = platformUserEvent('platform.login.refused', 'unknown', details);
    return { answer: {}, events: [{ ...event, result: 'refused' }], revokes: revokesNothing };
  });
}

async function admit(
  parts: FinishParts,
  groupRoles: GroupRoles,
  { client, requestId }: SignInRequest,
  attempt: SignInAttempt,
  identity: Identity,
): Promise<SignedIn | SignInRefusal> {
  const sessionParts = await withSigningKey(parts);
  const by = originOf({ principal: anybody, requestId, address: client.address });
  const { answer } = await commitChange<{ outcome: SignedIn | SignInRefusal }>(
    parts,
    // Groups can end roles and sessions.
    { by, ends: 'operators' },
    async (tx, now) => {
      const expiresAt = new Date(attempt.startedAtMs + 2 * attemptLifeMs);
      if (!(await finishSignIn(tx, { id: attemptId(attempt), expiresAt }))) {
        return { answer: { outcome: 'expired' }, events: [], revokes: revokesNothing };
      }
      const admitted = await admitIdentity({ ...parts, tx, now, groupRoles, client, requestId }, identity);
      if ('refusal' in admitted) {
        return { answer: { outcome: admitted.refusal }, events: admitted.events, revokes: revokesNothing };
      }
      const origin = { ...by, actor: { kind: 'platform_user', id: admitted.userId } as const };
      if (attempt.confirms !== undefined) {
        const confirmed = await confirmByProvider(tx, admitted.userId, attempt.confirms, now);
        const outcome =
          confirmed === undefined ? 'another-account' : { session: undefined, next: attempt.next };
        const events = confirmed === undefined ? [] : [{ ...confirmed, origin }];
        return { answer: { outcome }, events: [...admitted.events, ...events], revokes: revokesNothing };
      }
      const means = { ...client, method: 'oidc', secondFactor: null } as const;
      const created = await newSession(sessionParts, admitted.userId, means);
      const login = await beginSession(tx, created);
      const session = { token: created.token, expiresAt: created.session.expiresAt };
      return {
        answer: { outcome: { session, next: attempt.next } },
        events: [...admitted.events, { ...login, origin }],
        revokes: revokesNothing,
      };
    },
  );
  return answer.outcome;
}

/** Undefined when the session has ended, or belongs to somebody else than who signed in. */
async function confirmByProvider(
  tx: Tx,
  userId: string,
  sessionId: string,
  now: Date,
): Promise<EventDraft | undefined> {
  const holder = await findSessionHolder(tx, sessionId, now);
  if (holder?.userId !== userId) return undefined;
  await confirmSession(tx, sessionId, now, undefined);
  const details = { session_id: sessionId, by: 'identity provider' };
  return platformUserEvent('platform.session.confirmed', userId, details);
}
