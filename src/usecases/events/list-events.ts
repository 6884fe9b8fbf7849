import type { AuditEvent } from '../../domain/audit-event.ts';
import { validationError } from '../../domain/errors.ts';
import type { EventFilter, EventPosition } from '../../domain/events/event-position.ts';
import { findSeal } from '../../stores/postgres/audit/seals.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listSealedEventsAfter } from '../../stores/postgres/events/sealed-events.ts';

/** About 20 ms of one connection. */
const examinedMax = 2_000;

export type EventsPage = {
  events: { position: EventPosition; event: AuditEvent }[];
  /** Where the next page begins: after the last event of this page, or after others it passed. */
  next: EventPosition;
  /** Whether there was nothing after the page when it was read. */
  isEnd: boolean;
};

/**
 * A page of events after a position, in sealed order, oldest first. The log itself is the outbox:
 * an event is in it exactly when its change is committed, and none is ever inserted before a
 * position that was read. With a filter a page may be empty before the end.
 */
export async function listEvents(
  { db }: { db: Db },
  after: EventPosition,
  filter: EventFilter,
  limit: number,
): Promise<EventsPage> {
  const isFiltered = filter.types !== undefined || filter.organizationId !== undefined;
  const bounds = { limit, examinedMax: isFiltered ? examinedMax : limit };
  const { events, examined } = await listSealedEventsAfter(db, after.seq, filter, bounds);
  if (examined === undefined) return { events, next: after, isEnd: true };
  return {
    events,
    next: examined,
    isEnd: examined.seq - after.seq < bounds.examinedMax && events.length < limit,
  };
}

/**
 * `VALIDATION_ERROR` when the log does not have this position: it went back to an earlier state,
 * and events of other numbers would be skipped in silence.
 */
export async function requirePosition({ db }: { db: Db }, { seq, eventId }: EventPosition): Promise<void> {
  if (seq === 0 || (await findSeal(db, seq))?.eventId === eventId) return;
  throw validationError([
    { path: 'after', message: 'is not in this log: its database was restored from before' },
  ]);
}
