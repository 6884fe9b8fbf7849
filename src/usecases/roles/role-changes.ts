import { type AuditEventType, newAuditEvent } from '../../domain/audit-event.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { type Caller, type OperatorPrincipal, originOf } from '../../domain/principal.ts';
import { type Role, requireHolds } from '../../domain/role.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { findRole } from '../../stores/postgres/roles.ts';

export type RoleParts = { db: Database; clock: Clock; randomBytes: RandomBytes };

export type RoleSettings = Pick<Role, 'name' | 'description' | 'permissions'>;

export function roleEvent(
  parts: RoleParts,
  caller: Caller<OperatorPrincipal>,
  eventType: AuditEventType,
  role: Role,
) {
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  const details = { name: role.name, permissions: role.permissions };
  return newAuditEvent(at, originOf(caller), { eventType, organizationId: null, targetId: role.id, details });
}

/** The role, if this operator may change it: it is not built in, and it holds nothing that they do not hold. */
export async function getChangeableRole(tx: Tx, principal: OperatorPrincipal, id: string): Promise<Role> {
  const role = await findRole(tx, id);
  if (role === undefined) throw new FlowplateError('ROLE_NOT_FOUND');
  if (role.isBuiltIn) throw new FlowplateError('ROLE_IMMUTABLE');
  requireHolds(principal, { roleIds: [], permissions: role.permissions });
  return role;
}
