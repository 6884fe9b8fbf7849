import { type AuditEventType, newAuditEvent } from '../../domain/audit-event.ts';
import type { Bulkhead } from '../../domain/bulkhead.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { validationError } from '../../domain/errors.ts';
import { type Caller, originOf, type Principal } from '../../domain/principal.ts';
import type { Holding } from '../../domain/role.ts';
import type { Database, Db, Tx } from '../../stores/postgres/database.ts';
import { listPermissionsOf, listUnknownRoles } from '../../stores/postgres/roles.ts';

/** What every use case about platform users takes. */
export type OperatorParts = {
  db: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  passwordHashing: Bulkhead;
};

/** The event about a platform user; `details` never holds a password. */
export function operatorEvent(
  parts: Pick<OperatorParts, 'clock' | 'randomBytes'>,
  caller: Caller<Principal>,
  eventType: AuditEventType,
  userId: string,
  details: Record<string, unknown>,
) {
  const at = { now: parts.clock.now(), randomBytes: parts.randomBytes };
  return newAuditEvent(at, originOf(caller), { eventType, organizationId: null, targetId: userId, details });
}

/** What somebody with these roles holds at this moment. */
export async function holdingOf(db: Db, roleIds: readonly string[]): Promise<Holding> {
  return { roleIds, permissions: await listPermissionsOf(db, roleIds) };
}

export async function requireKnownRoles(tx: Tx, roleIds: readonly string[]): Promise<void> {
  const unknown = await listUnknownRoles(tx, roleIds);
  if (unknown.length === 0) return;
  throw validationError(unknown.map((id) => ({ path: 'role_ids', message: `${id} is not a role` })));
}
