import { FlowplateError } from '../../domain/errors.ts';
import type { Caller, OperatorPrincipal } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { lockPlatformUsers } from '../../stores/postgres/platform-users.ts';
import { updateRole as storeRole } from '../../stores/postgres/roles.ts';
import { getChangeableRole, type RoleParts, type RoleSettings, roleEvent } from './role-changes.ts';

/** Changes a custom role; whoever holds it is bound by it with their next request. */
export async function updateRole(
  parts: RoleParts,
  caller: Caller<OperatorPrincipal>,
  roleId: string,
  changes: Partial<RoleSettings>,
): Promise<Role> {
  return parts.db.transaction().execute(async (tx) => {
    await lockPlatformUsers(tx);
    const before = await getChangeableRole(tx, caller.principal, roleId);
    const after = { ...before, ...changes, updatedAt: parts.clock.now() };
    requireHolds(caller.principal, { roleIds: [], permissions: after.permissions });
    if ((await storeRole(tx, after)) === 'name taken') throw new FlowplateError('ROLE_ALREADY_EXISTS');
    await insertAuditEvents(tx, [roleEvent(parts, caller, 'platform.role.updated', after)]);
    return after;
  });
}
