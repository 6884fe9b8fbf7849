import type { AuditEventType } from '../audit-event.ts';
import { idPattern } from '../ids.ts';

/**
 * Place in the sealed order of the events: the number of a seal, and the event that it seals. The
 * event tells a restored database, where the number may be another event's.
 */
export type EventPosition = { seq: number; eventId: string };

/** Before the first event. */
export const eventsStart: EventPosition = { seq: 0, eventId: '' };

/** Filter of events. Fields narrow together; undefined ones do not. */
export type EventFilter = {
  types?: readonly AuditEventType[] | undefined;
  organizationId?: string | undefined;
};

/** Cursor for callers. Opaque, so that its form can change. */
export function toEventCursor({ seq, eventId }: EventPosition): string {
  return Buffer.from(`${seq} ${eventId}`, 'latin1').toString('base64url');
}

const cursorPattern = /^(0|[1-9][0-9]{0,15}) (.*)$/;
const eventIdPattern = idPattern('auditEvent');

/** Undefined for a text that is no cursor of ours. */
export function readEventCursor(text: string): EventPosition | undefined {
  const [, number = '', eventId = ''] =
    cursorPattern.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  const seq = Number(number);
  if (number === '' || !Number.isSafeInteger(seq)) return undefined;
  const isWhole = seq === 0 ? eventId === '' : eventIdPattern.test(eventId);
  return isWhole ? { seq, eventId } : undefined;
}
