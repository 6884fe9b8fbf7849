import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { FairBulkhead } from '../../concurrency/fair-bulkhead.ts';
import type { Clock } from '../../domain/clock.ts';
import { type EventFilter, type EventPosition, eventsStart } from '../../domain/events/event-position.ts';
import { type Caller, type PlatformPrincipal, queueOf } from '../../domain/principal.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { findLastPosition } from '../../stores/postgres/events/sealed-events.ts';
import { requireStillAuthorized } from '../authority.ts';
import { type EventsPage, listEvents, requirePosition } from './list-events.ts';
import type { SealWatch } from './seal-watch.ts';

export type PullEventsParts = {
  db: Database;
  clock: Clock;
  /** Each look at the log takes its turn. A wait between two looks holds no connection. */
  reads: FairBulkhead;
  sealWatch: SealWatch;
  /** Bounds the waits: each holds a socket. */
  eventWaits: Bulkhead;
};

export type PullRequest = {
  /** `latest` begins at the end of the log. */
  after: EventPosition | 'latest';
  filter: EventFilter;
  limit: number;
  waitMs: number;
};

/**
 * A page of the feed. With `waitMs` a long poll: it answers as soon as there is an event, and else
 * without one when the time is over or the process drains. `OVERLOADED` beyond so many waits. The
 * rights of the caller are checked again after a wait.
 */
export async function pullEvents(
  parts: PullEventsParts,
  caller: Caller<PlatformPrincipal>,
  { after, filter, limit, waitMs }: PullRequest,
  signal: AbortSignal,
): Promise<EventsPage> {
  const read = <T>(look: () => Promise<T>) => parts.reads.run(queueOf(caller.principal), look);
  const start = await read(() => startOf(parts, after));
  const first = await read(() => listEvents(parts, start, filter, limit));
  if (first.events.length > 0 || waitMs === 0) return first;
  const page = await parts.eventWaits.run(() =>
    waitForEvents(parts, { first, filter, limit, waitMs }, read, signal),
  );
  await read(() => requireStillAuthorized(parts, caller));
  return page;
}

async function startOf(parts: PullEventsParts, after: PullRequest['after']): Promise<EventPosition> {
  if (after === 'latest') return (await findLastPosition(parts.db)) ?? eventsStart;
  await requirePosition(parts, after);
  return after;
}

async function waitForEvents(
  parts: PullEventsParts,
  { first, filter, limit, waitMs }: Omit<PullRequest, 'after'> & { first: EventsPage },
  read: <T>(look: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<EventsPage> {
  const endMs = performance.now() + waitMs;
  const isOver = () => signal.aborted || parts.sealWatch.isClosed || performance.now() >= endMs;
  let page = first;
  while (page.events.length === 0 && !isOver()) {
    const { next, isEnd } = page;
    if (isEnd) await parts.sealWatch.waitAfter(next.seq, endMs - performance.now(), signal);
    page = await read(() => listEvents(parts, next, filter, limit));
  }
  return page;
}
