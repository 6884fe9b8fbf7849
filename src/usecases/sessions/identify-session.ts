import type { Clock } from '../../domain/clock.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import type { FindSessionHolder } from '../../stores/postgres/sessions/sessions.ts';
import { readToken } from './session-token.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * The operator of a token, with the current permissions of their roles; undefined when the token or
 * its session is invalid.
 */
export async function identifySession(
  parts: { findSessionHolder: FindSessionHolder; clock: Clock; signingKeys: SigningKeys },
  token: string,
): Promise<PlatformPrincipal | undefined> {
  const named = await readToken(parts, token);
  if (named === undefined) return undefined;
  const holder = await parts.findSessionHolder(named.sessionId);
  if (holder === undefined || holder.userId !== named.userId) return undefined;
  const { userId, ...known } = holder;
  return {
    kind: 'platform_user',
    id: userId,
    ...known,
    sessionId: named.sessionId,
    organizationIds: null,
    environments: null,
  };
}
