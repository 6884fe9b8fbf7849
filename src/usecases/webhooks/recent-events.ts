import type { AuditEvent } from '../../domain/audit-event.ts';
import type { EventFilter } from '../../domain/events/event-position.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listSealedEventsAfter } from '../../stores/postgres/events/sealed-events.ts';
import { eventMessage } from './event-message.ts';

/** A sealed event. Its message is made once, whatever the number of endpoints. */
export type SealedEvent = { seq: number; event: AuditEvent; message(): string };

export type EventsPage = {
  events: SealedEvent[];
  /** Place up to which events were looked at; undefined at the end of the log. */
  examined: number | undefined;
};

type Bounds = { limit: number; examinedMax: number };

/** Some 2 MB. */
const eventsMax = 2_000;

/** Of one statement. */
const readMax = 500;

/** A database that is restored to an earlier state is away for longer. */
const keptMsMax = 5_000;

/**
 * The newest sealed events in memory, for all endpoints of this worker: each event is read and
 * serialized once, and not once for each endpoint. An endpoint that is behind reads for itself.
 * Sealed events never change, and none appears between two others.
 */
export class RecentEvents {
  /** All events after `from` up to `to`. */
  #window: { from: number; to: number; events: SealedEvent[] } | undefined;
  #readAtMs = 0;
  #reading: Promise<void> | undefined;

  async listAfter(db: Db, after: number, filter: EventFilter, bounds: Bounds): Promise<EventsPage> {
    if (performance.now() - this.#readAtMs > keptMsMax) this.#window = undefined;
    if (after < (this.#window?.from ?? after)) return readPage(db, after, filter, bounds);
    if (after >= (this.#window?.to ?? after)) await this.#readOn(db, after);
    const window = this.#window;
    if (window === undefined || after < window.from) return readPage(db, after, filter, bounds);
    if (after >= window.to) return { events: [], examined: undefined };
    const events = window.events.filter(({ seq, event }) => seq > after && passes(event, filter));
    const page = events.slice(0, bounds.limit);
    return { events: page, examined: page.length < events.length ? page.at(-1)?.seq : window.to };
  }

  /** One statement at a time. A read of another endpoint is waited for, and may be enough. */
  async #readOn(db: Db, after: number): Promise<void> {
    while (this.#reading !== undefined) {
      await this.#reading.catch(() => undefined);
      if (this.#window !== undefined && after < this.#window.to) return;
    }
    this.#reading = this.#read(db, after);
    try {
      await this.#reading;
    } catch (error) {
      this.#window = undefined;
      throw error;
    } finally {
      this.#reading = undefined;
    }
  }

  async #read(db: Db, after: number): Promise<void> {
    const { from, to, events } =
      this.#window !== undefined && after <= this.#window.to
        ? this.#window
        : { from: after, to: after, events: [] };
    const read = await readPage(db, to, {}, { limit: readMax, examinedMax: readMax });
    const all = [...events, ...read.events];
    const kept = all.slice(-eventsMax);
    this.#window = {
      from: kept.length < all.length ? (all[all.length - kept.length - 1]?.seq ?? from) : from,
      to: read.examined ?? to,
      events: kept,
    };
    this.#readAtMs = performance.now();
  }
}

async function readPage(db: Db, after: number, filter: EventFilter, bounds: Bounds): Promise<EventsPage> {
  const { events, examined } = await listSealedEventsAfter(db, after, filter, bounds);
  return {
    events: events.map(({ event, position }) => toSealedEvent(position.seq, event)),
    examined: examined?.seq,
  };
}

function toSealedEvent(seq: number, event: AuditEvent): SealedEvent {
  let message: string | undefined;
  return {
    seq,
    event,
    message: () => {
      message ??= eventMessage(event);
      return message;
    },
  };
}

/** The condition of the statement, for what is in memory. */
function passes(event: AuditEvent, { types, organizationId }: EventFilter): boolean {
  if (types !== undefined && !types.includes(event.eventType)) return false;
  return organizationId === undefined || event.organizationId === organizationId;
}
