import type { AuditEventType } from '../../domain/audit-event.ts';
import type { Key } from '../../domain/user-key.ts';
import type { EventDraft } from '../change.ts';

/** Audit event about a user key: its owner and name, never its secret, digest or metadata. */
export function keyEvent(
  eventType: AuditEventType,
  key: Key,
  details: Record<string, unknown> = {},
): EventDraft {
  return {
    eventType,
    organizationId: key.organizationId,
    targetId: key.id,
    details: { user_id: key.userId, environment: key.environment, key_prefix: key.keyPrefix, ...details },
  };
}
