import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Caller, OrganizationPrincipal } from '../../domain/principal.ts';
import { superAdminRoleId } from '../../domain/role.ts';
import {
  insertPlatformUser,
  isThereAPlatformUser,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { change } from '../change.ts';
import { hashNewPassword } from './new-password.ts';
import { type NewPlatformUser, toNewUser } from './new-user.ts';
import { type PlatformUserParts, platformUserEvent } from './platform-user-parts.ts';

/**
 * Creates the first platform user, a super-admin, for a caller with a tenant key.
 * `ALREADY_BOOTSTRAPPED` when there is a platform user; of several at once one wins.
 */
export async function bootstrapPlatform(
  parts: PlatformUserParts,
  caller: Caller<OrganizationPrincipal>,
  { password, ...wanted }: Omit<NewPlatformUser, 'roleIds'>,
): Promise<PlatformUser> {
  if (await isThereAPlatformUser(parts.db)) throw new FlowplateError('ALREADY_BOOTSTRAPPED');
  const passwordHash = await hashNewPassword(parts, password, wanted);
  const options = { by: caller, ends: 'operators' } as const;
  const { answer } = await change<PlatformUser>(parts, options, async (tx, now) => {
    if (await isThereAPlatformUser(tx)) throw new FlowplateError('ALREADY_BOOTSTRAPPED');
    const user = toNewUser(parts, { ...wanted, roleIds: [superAdminRoleId] }, now);
    await insertPlatformUser(tx, user, passwordHash);
    const details = { role_ids: user.roleIds };
    return {
      answer: user,
      events: [
        platformUserEvent('platform.bootstrapped', user.id, {}),
        platformUserEvent('platform.user.created', user.id, details),
      ],
      revokes: revokesNothing,
    };
  });
  return answer;
}
