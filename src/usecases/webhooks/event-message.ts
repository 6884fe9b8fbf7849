import type { AuditEvent } from '../../domain/audit-event.ts';
import { toEnvelope } from '../../domain/events/envelope.ts';

/** Body of the request for an event. Made again for a retry, with the same bytes. */
export function eventMessage(event: AuditEvent): string {
  return JSON.stringify(toEnvelope(event));
}
