import type { AuditEventType } from '../../domain/audit-event.ts';
import type { Key } from '../../domain/user-key.ts';
import type { EventDraft } from '../change.ts';

/**
 * What the audit log says of a key: whose it is and how it is called, never the secret, digest or
 * metadata.
 */
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
