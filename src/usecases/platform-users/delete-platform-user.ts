import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import { isActiveSuperAdmin } from '../../domain/platform-user.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { requireHolds } from '../../domain/role.ts';
import {
  findPlatformUser,
  isThereAnotherSuperAdmin,
  removePlatformUser,
} from '../../stores/postgres/platform-users/platform-users.ts';
import { type ChangeParts, change } from '../change.ts';
import { platformUserEvent, rightsOf } from './platform-user-parts.ts';

/**
 * Deletes a platform user and its sessions; its actions stay in the audit log. Refused for oneself
 * and for the last super-admin.
 */
export async function deletePlatformUser(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  userId: string,
): Promise<void> {
  if (caller.principal.id === userId) throw new FlowplateError('SELF_ACTION_FORBIDDEN');
  await change(parts, { by: caller, ends: 'operators' }, async (tx) => {
    const user = await findPlatformUser(tx, userId);
    if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
    requireHolds(caller.principal, await rightsOf(tx, user.roleIds));
    if (isActiveSuperAdmin(user) && !(await isThereAnotherSuperAdmin(tx, userId))) {
      throw new FlowplateError('LAST_SUPER_ADMIN');
    }
    await removePlatformUser(tx, userId);
    return {
      answer: {},
      events: [platformUserEvent('platform.user.deleted', userId, {})],
      revokes: revokesOperators('platform_user', userId),
    };
  });
}
