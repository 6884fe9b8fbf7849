import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isRoleInUse, deleteRole as removeRole } from '../../stores/postgres/platform-users/roles.ts';
import { type ChangeParts, change } from '../change.ts';
import { getChangeableRole, roleEvent } from './role-changes.ts';

/** Deletes an unused custom role. `ROLE_IN_USE` while a user or a working platform key has it. */
export async function deleteRole(
  parts: ChangeParts,
  caller: Caller<PlatformPrincipal>,
  roleId: string,
): Promise<void> {
  await change(parts, { by: caller, ends: 'operators' }, async (tx) => {
    const role = await getChangeableRole(tx, caller.principal, roleId);
    if (await isRoleInUse(tx, roleId)) throw new FlowplateError('ROLE_IN_USE');
    await removeRole(tx, roleId);
    return { answer: {}, events: [roleEvent('platform.role.deleted', role)], revokes: revokesNothing };
  });
}
