import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import { validationError } from '../../domain/errors.ts';
import type { PlatformUser } from '../../domain/platform-user.ts';
import type { Holding } from '../../domain/role.ts';
import type { Db, Tx } from '../../stores/postgres/database.ts';
import { listPermissionsOf, listUnknownRoles } from '../../stores/postgres/platform-users/roles.ts';
import type { ChangeParts, EventDraft } from '../change.ts';

/** Dependencies of all use cases about platform users. */
export type PlatformUserParts = ChangeParts & { ownPasswordHashing: Bulkhead };

/**
 * Audit event about a platform user. `details` never has a password, a name or an e-mail address:
 * an event is sealed for ever, and a person may ask to be erased.
 */
export function platformUserEvent(
  eventType: AuditEventType,
  userId: string,
  details: Record<string, unknown>,
): EventDraft {
  return { eventType, organizationId: null, targetId: userId, details };
}

/** Which of a person's data a change touches, by name and without the values. */
export function personalChanges(changes: Partial<Pick<PlatformUser, 'email' | 'name'>>): string[] {
  return (['email', 'name'] as const).filter((field) => changes[field] !== undefined);
}

/** Current rights of these roles. */
export async function rightsOf(db: Db, roleIds: readonly string[]): Promise<Holding> {
  return { roleIds, permissions: await listPermissionsOf(db, roleIds) };
}

export async function requireKnownRoles(tx: Tx, roleIds: readonly string[]): Promise<void> {
  const unknown = await listUnknownRoles(tx, roleIds);
  if (unknown.length === 0) return;
  throw validationError(
    unknown.map((id) => ({ path: 'role_ids', message: `names ${id}, which is not a role` })),
  );
}
