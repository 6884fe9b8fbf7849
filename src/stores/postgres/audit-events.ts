import type { AuditEvent } from '../../domain/audit-event.ts';
import type { Tx } from './database.ts';
import type { JsonObject } from './schema.ts';

/** Rows of audit_events as the statements that write them spell them. */
export function auditEventRow(event: AuditEvent) {
  return {
    id: event.id,
    event_type: event.eventType,
    actor_kind: event.actor.kind,
    actor_id: event.actor.id,
    organization_id: event.organizationId,
    target_id: event.targetId,
    request_id: event.requestId,
    details: event.details as JsonObject,
    created_at: event.createdAt,
  };
}

/** Takes only a transaction: an event belongs to its change, so that neither is ever there without the other. */
export async function insertAuditEvents(tx: Tx, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.insertInto('audit_events').values(events.map(auditEventRow)).execute();
}
