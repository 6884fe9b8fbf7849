import type { AuditEventType } from '../../domain/audit-event.ts';
import { FlowplateError } from '../../domain/errors.ts';
import type { PlatformPrincipal } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import type { Tx } from '../../stores/postgres/database.ts';
import { findRole } from '../../stores/postgres/platform-users/roles.ts';
import type { EventDraft } from '../change.ts';

export type RoleSettings = Pick<Role, 'name' | 'description' | 'permissions'>;

export function roleEvent(eventType: AuditEventType, { id, name, permissions }: Role): EventDraft {
  return { eventType, organizationId: null, targetId: id, details: { name, permissions } };
}

/** The role, if the operator may change it: it is custom, and the operator has all its rights. */
export async function getChangeableRole(tx: Tx, principal: PlatformPrincipal, id: string): Promise<Role> {
  const role = await findRole(tx, id);
  if (role === undefined) throw new FlowplateError('ROLE_NOT_FOUND');
  if (role.isBuiltIn) throw new FlowplateError('ROLE_IMMUTABLE');
  requireHolds(principal, { roleIds: [], permissions: role.permissions });
  return role;
}
