import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../domain/clock.ts';
import { sessionToken } from '../../domain/session.ts';
import type { Session } from '../../stores/postgres/sessions/sessions.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';

const clockToleranceSeconds = 5;

/** Signs a token with the session's id and without roles, which are read at each request. */
export function signSession(key: SigningKey, session: Session): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: sessionToken.algorithm, typ: sessionToken.type, kid: key.id })
    .setIssuer(sessionToken.issuer)
    .setAudience(sessionToken.audience)
    .setSubject(session.userId)
    .setJti(session.id)
    .setIssuedAt(session.createdAt)
    .setExpirationTime(session.expiresAt)
    .sign(key.privateKey);
}

/**
 * Returns the session and user of a token, or undefined for an invalid one: another algorithm
 * (`none` included), type, issuer or audience, an unknown key, expired, or changed. Of its header
 * only `kid` is read, never `jku`, `x5u` or `jwk`.
 */
export async function readToken(
  parts: { signingKeys: SigningKeys; clock: Clock },
  token: string,
): Promise<{ sessionId: string; userId: string } | undefined> {
  const keyOf = async ({ kid }: { kid?: string }) => {
    const key = kid === undefined ? undefined : await parts.signingKeys.find(kid);
    if (key === undefined) throw new UnknownKey();
    return key;
  };
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [sessionToken.algorithm],
      typ: sessionToken.type,
      issuer: sessionToken.issuer,
      audience: sessionToken.audience,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      clockTolerance: clockToleranceSeconds,
      currentDate: parts.clock.now(),
    });
    return { sessionId: payload.jti ?? '', userId: payload.sub ?? '' };
  } catch (error) {
    if (isNoTokenOfOurs(error)) return undefined;
    throw error;
  }
}

class UnknownKey extends Error {}

function isNoTokenOfOurs(error: unknown): boolean {
  return error instanceof UnknownKey || error instanceof errors.JOSEError;
}
