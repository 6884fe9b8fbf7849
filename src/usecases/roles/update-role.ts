import { FlowplateError } from '../../domain/errors.ts';
import { revokesOperators } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import { updateRole as storeRole } from '../../stores/postgres/platform-users/roles.ts';
import { type ChangeParts, change } from '../change.ts';
import { requireConfirmed } from '../sessions/own-session.ts';
import { getChangeableRole, type RoleSettings, roleEvent } from './role-changes.ts';

/**
 * Changes a custom role; it applies to its users from their next request. `STEP_UP_REQUIRED` when
 * it gets a permission.
 */
export async function updateRole(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  roleId: string,
  changes: Partial<RoleSettings>,
): Promise<Role> {
  const options = { by: caller, ends: 'operators' } as const;
  const { answer } = await change<Role>(parts, options, async (tx, now) => {
    const before = await getChangeableRole(tx, caller.principal, roleId);
    const after = { ...before, ...changes, updatedAt: now };
    requireHolds(caller.principal, { roleIds: [], permissions: after.permissions });
    const isWider = after.permissions.some((permission) => !before.permissions.includes(permission));
    if (isWider) await requireConfirmed(tx, caller, now);
    if ((await storeRole(tx, after)) === 'name taken') throw new FlowplateError('ROLE_ALREADY_EXISTS');
    return {
      answer: after,
      events: [roleEvent('platform.role.updated', after)],
      revokes: revokesOperators('role', roleId),
    };
  });
  return answer;
}
