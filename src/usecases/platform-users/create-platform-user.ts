import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { requireHolds } from '../../domain/role.ts';
import { insertPlatformUser } from '../../stores/postgres/platform-users/platform-users.ts';
import { change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { hashNewPassword } from './new-password.ts';
import { type NewPlatformUser, toNewUser } from './new-user.ts';
import {
  type PlatformUserParts,
  platformUserEvent,
  requireKnownRoles,
  rightsOf,
} from './platform-user-parts.ts';

/**
 * Adds a platform user; without roles it may do nothing. `EMAIL_ALREADY_EXISTS` in any case or
 * Unicode form; `STEP_UP_REQUIRED`: another account is a way around every other step-up.
 */
export async function createPlatformUser(
  parts: PlatformUserParts,
  caller: Caller<PlatformPrincipal>,
  { password, ...wanted }: NewPlatformUser,
): Promise<PlatformUser> {
  const passwordHash = await hashNewPassword(parts, password, wanted);
  const options = { by: caller, ends: 'operators' } as const;
  const { answer } = await change<PlatformUser>(parts, options, async (tx, now) => {
    const user = toNewUser(parts, wanted, now);
    await requireKnownRoles(tx, user.roleIds);
    requireHolds(caller.principal, await rightsOf(tx, user.roleIds));
    await requireConfirmed(tx, caller, now);
    if (!(await insertPlatformUser(tx, user, passwordHash))) throw new FlowplateError('EMAIL_ALREADY_EXISTS');
    const details = { role_ids: user.roleIds };
    return {
      answer: user,
      events: [platformUserEvent('platform.user.created', user.id, details)],
      revokes: revokesNothing,
    };
  });
  return answer;
}
