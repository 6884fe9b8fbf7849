import type { Clock } from '../../domain/clock.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import type { SecondFactorSetting } from '../../domain/second-factor.ts';
import type { FindSessionHolder, SessionHolder } from '../../stores/postgres/sessions/sessions.ts';
import { readToken } from './session-token.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * The operator of a token, with the current permissions of their roles; undefined when the token or
 * its session is invalid.
 */
export async function identifySession(
  parts: {
    findSessionHolder: FindSessionHolder;
    clock: Clock;
    signingKeys: SigningKeys;
    secondFactor: SecondFactorSetting;
  },
  token: string,
): Promise<PlatformPrincipal | undefined> {
  const named = await readToken(parts, token);
  if (named === undefined) return undefined;
  const holder = await parts.findSessionHolder(named.sessionId);
  if (holder === undefined || holder.userId !== named.userId) return undefined;
  const { userId, name, roleIds, permissions } = holder;
  return {
    kind: 'platform_user',
    id: userId,
    ...{ name, roleIds, permissions },
    sessionId: named.sessionId,
    lacksSecondFactor: parts.secondFactor === 'required' && needsSecondFactor(holder),
    organizationIds: null,
    environments: null,
  };
}

/** The provider asks for factors of its own; a device has those of the session that approved it. */
function needsSecondFactor({ method, secondFactor }: SessionHolder): boolean {
  return method === 'password' && secondFactor === null;
}
