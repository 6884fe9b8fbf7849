import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import { type SessionOrigin, sessionLifeMs } from '../../domain/session.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { insertSession, type Session } from '../../stores/postgres/sessions/sessions.ts';
import type { EventDraft } from '../change.ts';
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
 * Stores a new session and returns the audit event of its login. The caller has checked in the same
 * transaction that the user is active.
 */
export async function beginSession(tx: Tx, { session }: NewSession): Promise<EventDraft> {
  await insertSession(tx, session);
  const { address = 'unknown', userAgent = 'unknown', method, secondFactor } = session.origin;
  return {
    eventType: 'platform.login.succeeded',
    organizationId: null,
    targetId: session.userId,
    details: {
      session_id: session.id,
      address,
      user_agent: userAgent,
      method,
      ...(secondFactor !== null && { second_factor: secondFactor }),
    },
  };
}
