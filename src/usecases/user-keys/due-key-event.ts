import { platformOrganizationId } from '../../domain/api-key.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import type { DueKey } from '../../stores/postgres/user-keys/due-keys.ts';
import type { EventDraft } from '../change.ts';

/** Event about a key of any kind. Only user keys have a user; the others say their kind. */
export function dueKeyEvent(
  eventType: AuditEventType,
  { id, kind, organizationId, userId, environment, keyPrefix }: DueKey,
  details: Record<string, unknown>,
): EventDraft {
  const isOfPlatform = organizationId === platformOrganizationId;
  return {
    eventType,
    organizationId: isOfPlatform ? null : organizationId,
    targetId: id,
    details: {
      ...(kind === 'user' ? { user_id: userId } : { kind }),
      ...(isOfPlatform ? {} : { environment }),
      key_prefix: keyPrefix,
      ...details,
    },
  };
}
