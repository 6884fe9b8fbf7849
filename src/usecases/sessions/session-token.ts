import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../domain/clock.ts';
import { sessionToken } from '../../domain/session.ts';
import type { Session } from '../../stores/postgres/sessions/sessions.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';

const clockToleranceSeconds = 5;

/** The token names its session and says nothing of roles: those are read with every request. */
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
 * The session and the user that a token names, or undefined when it is not a token of ours: another
 * algorithm (`none` included), type, issuer or audience, an unknown key, expired, or changed. Only
 * `kid` is looked at in its header, never `jku`, `x5u` or `jwk`.
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
