import { FlowplateError } from '../../domain/errors.ts';
import type { Caller, OperatorPrincipal } from '../../domain/principal.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { lockPlatformUsers } from '../../stores/postgres/platform-users.ts';
import { isRoleInUse, deleteRole as removeRole } from '../../stores/postgres/roles.ts';
import { getChangeableRole, type RoleParts, roleEvent } from './role-changes.ts';

/** Removes a custom role that nobody holds; `ROLE_IN_USE` while a user or a working platform key does. */
export async function deleteRole(
  parts: RoleParts,
  caller: Caller<OperatorPrincipal>,
  roleId: string,
): Promise<void> {
  await parts.db.transaction().execute(async (tx) => {
    await lockPlatformUsers(tx);
    const role = await getChangeableRole(tx, caller.principal, roleId);
    if (await isRoleInUse(tx, roleId)) throw new FlowplateError('ROLE_IN_USE');
    await removeRole(tx, roleId);
    await insertAuditEvents(tx, [roleEvent(parts, caller, 'platform.role.deleted', role)]);
  });
}
