import { FlowplateError } from '../../domain/errors.ts';
import { isActiveSuperAdmin } from '../../domain/platform-user.ts';
import type { Caller, OperatorPrincipal } from '../../domain/principal.ts';
import { requireHolds } from '../../domain/role.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import {
  deletePlatformUser,
  findPlatformUser,
  isThereAnotherSuperAdmin,
  lockPlatformUsers,
} from '../../stores/postgres/platform-users.ts';
import { holdingOf, type OperatorParts, operatorEvent } from './operator-parts.ts';

/** Removes a platform user and ends its sessions; what they did stays in the audit log. Never oneself, never the last super-admin. */
export async function deleteOperator(
  parts: OperatorParts,
  caller: Caller<OperatorPrincipal>,
  userId: string,
): Promise<void> {
  if (caller.principal.id === userId) throw new FlowplateError('SELF_ACTION_FORBIDDEN');
  await parts.db.transaction().execute(async (tx) => {
    await lockPlatformUsers(tx);
    const user = await findPlatformUser(tx, userId);
    if (user === undefined) throw new FlowplateError('USER_NOT_FOUND');
    requireHolds(caller.principal, await holdingOf(tx, user.roleIds));
    if (isActiveSuperAdmin(user) && !(await isThereAnotherSuperAdmin(tx, userId))) {
      throw new FlowplateError('LAST_SUPER_ADMIN');
    }
    await deletePlatformUser(tx, userId);
    const details = { email: user.email };
    await insertAuditEvents(tx, [operatorEvent(parts, caller, 'platform.user.deleted', userId, details)]);
  });
}
