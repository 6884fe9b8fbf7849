import { FlowplateError } from '../../domain/errors.ts';
import { newId } from '../../domain/ids.ts';
import type { Caller, OperatorPrincipal } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import { insertRole } from '../../stores/postgres/roles.ts';
import { type RoleParts, type RoleSettings, roleEvent } from './role-changes.ts';

/** Adds a custom role with permissions that the caller holds. `ROLE_ALREADY_EXISTS` when its name is taken, in whatever case. */
export async function createRole(
  parts: RoleParts,
  caller: Caller<OperatorPrincipal>,
  settings: RoleSettings,
): Promise<Role> {
  requireHolds(caller.principal, { roleIds: [], permissions: settings.permissions });
  const now = parts.clock.now();
  const id = newId('role', now, parts.randomBytes);
  const role: Role = { id, ...settings, isBuiltIn: false, createdAt: now, updatedAt: now };
  await parts.db.transaction().execute(async (tx) => {
    if ((await insertRole(tx, role)) === 'name taken') throw new FlowplateError('ROLE_ALREADY_EXISTS');
    await insertAuditEvents(tx, [roleEvent(parts, caller, 'platform.role.created', role)]);
  });
  return role;
}
