import type { AuditEventType } from '../../domain/audit-event.ts';
import type { RevocationReason } from '../../domain/revocation-reason.ts';
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

/** `details`: of the order that it was part of. */
export function keyRevokedEvent(
  key: Key,
  reason: RevocationReason,
  details: Record<string, unknown> = {},
): EventDraft {
  return keyEvent('key.revoked', key, { reason, ...details });
}
