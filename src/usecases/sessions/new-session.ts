import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { type SessionOrigin, sessionLifeMs } from '../../domain/session.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertSession, type Session } from '../../stores/postgres/sessions/sessions.ts';
import type { EventDraft } from '../change.ts';
import { platformUserEvent } from '../platform-users/platform-user-parts.ts';
import { signSession } from './session-token.ts';
import type { SigningKeys } from './signing-keys.ts';

export type NewSessionParts = {
  clock: Clock;
  randomBytes: RandomBytes;
  signingKeys: Pick<SigningKeys, 'current'>;
};

export type NewSession = { session: Session; token: string };

/**
 * A session and its signed token, for every way to log in. It does not exist until `beginSession`
 * stores it: a signing key may have to be made first, in a transaction of its own.
 */
export async function newSession(
  parts: NewSessionParts,
  userId: string,
  origin: SessionOrigin,
): Promise<NewSession> {
  const now = parts.clock.now();
  const session = {
    id: newId('session', now, parts.randomBytes),
    userId,
    createdAt: now,
    expiresAt: new Date(now.getTime() + sessionLifeMs),
    confirmedAt: now,
    origin,
  };
  return { session, token: await signSession(await parts.signingKeys.current(), session) };
}

/**
 * The parts with today's signing key at hand, for a session that is made within a transaction: a
 * new key has a transaction of its own, which comes before.
 */
export async function withSigningKey<Parts extends NewSessionParts>(parts: Parts): Promise<Parts> {
  const signingKey = await parts.signingKeys.current();
  return { ...parts, signingKeys: { current: async () => signingKey } };
}

/**
 * Stores a new session and returns the audit event of its login. The caller has checked in the same
 * transaction that the user is active.
 */
export async function beginSession(tx: Tx, { session }: NewSession): Promise<EventDraft> {
  await insertSession(tx, session);
  const { userAgent = 'unknown', method, secondFactor } = session.origin;
  return platformUserEvent('platform.login.succeeded', session.userId, {
    session_id: session.id,
    user_agent: userAgent,
    method,
    ...(secondFactor !== null && { second_factor: secondFactor }),
  });
}
