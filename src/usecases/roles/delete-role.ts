import { FlowplateError } from '../../domain/errors.ts';
import { type GroupRoles, mappedRoles } from '../../domain/group-roles.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isRoleInUse, deleteRole as removeRole } from '../../stores/postgres/platform-users/roles.ts';
import { type ChangeParts, change } from '../change.ts';
import { getChangeableRole, roleEvent } from './role-changes.ts';

/**
 * Deletes an unused custom role. `ROLE_IN_USE` while a user or a working platform key has it, or a
 * group of the identity provider gives it: the service would not start again.
 */
export async function deleteRole(
  parts: ChangeParts & { companySignIn: { groupRoles: GroupRoles } | undefined },
  caller: Caller<PlatformPrincipal>,
  roleId: string,
): Promise<void> {
  await change(parts, { by: caller, ends: 'operators' }, async (tx) => {
    const role = await getChangeableRole(tx, caller.principal, roleId);
    const isMapped = mappedRoles(parts.companySignIn?.groupRoles ?? new Map()).includes(roleId);
    if (isMapped || (await isRoleInUse(tx, roleId))) throw new FlowplateError('ROLE_IN_USE');
    await removeRole(tx, roleId);
    return { answer: {}, events: [roleEvent('platform.role.deleted', role)], revokes: revokesNothing };
  });
}
