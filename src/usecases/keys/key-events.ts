import {
  type AuditEvent,
  type AuditEventType,
  newAuditEvent,
  type Origin,
} from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import type { Key } from '../../domain/key.ts';
import type { KeyChange } from '../../stores/postgres/key-changes.ts';

/** What the audit log says of a key: whose it is and how it is called, never the secret, digest or metadata. */
export function keyEvent(
  at: { now: Date; randomBytes: RandomBytes },
  origin: Origin,
  eventType: AuditEventType,
  key: Key,
  details: Record<string, unknown> = {},
): AuditEvent {
  return newAuditEvent(at, origin, {
    eventType,
    organizationId: key.organizationId,
    targetId: key.id,
    details: { user_id: key.userId, environment: key.environment, key_prefix: key.keyPrefix, ...details },
  });
}

/** What the verifiers must hear of a changed key. */
export function keyChange(key: Pick<Key, 'id' | 'revision'>): KeyChange {
  return { kind: 'key', subjectId: key.id, revision: key.revision, status: null };
}
