import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import {
  afterEveryId,
  holdWatch,
  moveWatch,
  type TellingPlace,
} from '../../stores/postgres/events/watches.ts';
import { commitAt, type EventDraft } from '../change.ts';

/** Days before an end at which its event is written, the nearest last. The contract fixes them. */
export const warnedDays = [30, 7, 1] as const;

export type WarnedDays = (typeof warnedDays)[number];

/** A thing whose end was set within this time of the moment was made with so little time left. */
const noticeMs = 3_600_000;

const pageMax = 500;
const dayMs = 86_400_000;

type Ending = { id: string; expiresAt: Date; isDue: boolean };

type EndsPage = {
  after: { expiresAt: Date; id: string };
  through: Date;
  warnedMs: number;
  noticeMs: number;
  limit: number;
};

/** What has ends, and how an end that is near is told. */
export type Ends<T extends Ending> = {
  name: 'key.expiring' | 'master_key.expiring';
  list(tx: Tx, page: EndsPage): Promise<T[]>;
  toEvent(ending: T, daysLeft: WarnedDays): EventDraft;
};

/**
 * Writes the events of the ends that have come to be 30, 7 or 1 day ahead since the last run. After
 * a long pause only the nearest of the days that were passed is told. Returns the number of events.
 */
export async function tellEnds<T extends Ending>(
  parts: { db: Database; randomBytes: RandomBytes },
  ends: Ends<T>,
  now: Date,
): Promise<number> {
  let told = 0;
  for (const [index, days] of warnedDays.entries()) {
    const nearer = warnedDays[index + 1] ?? 0;
    for (let isFull = true; isFull; ) {
      const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
        const { events, isPageFull } = await tellPage(tx, ends, { days, nearer, now });
        return { answer: { told: events.length, isPageFull }, events, revokes: revokesNothing };
      });
      told += answer.told;
      isFull = answer.isPageFull;
    }
  }
  return told;
}

async function tellPage<T extends Ending>(
  tx: Tx,
  { name, list, toEvent }: Ends<T>,
  { days, nearer, now }: { days: WarnedDays; nearer: number; now: Date },
): Promise<{ events: EventDraft[]; isPageFull: boolean }> {
  const watch = await holdWatch(tx, `${name} ${days}`);
  if (watch === undefined || watch.toldUntil >= now) return { events: [], isPageFull: false };
  const later = (at: Date, by: number) => new Date(at.getTime() + by * dayMs);
  // What is nearer to its end than the next warning is left to that one.
  const nearest = later(now, nearer);
  const place = { expiresAt: later(watch.toldUntil, days), id: watch.afterId };
  const found = await list(tx, {
    after: place.expiresAt < nearest ? { expiresAt: nearest, id: afterEveryId } : place,
    through: later(now, days),
    warnedMs: days * dayMs,
    noticeMs,
    limit: pageMax,
  });
  const last = found.length === pageMax ? found.at(-1) : undefined;
  const to: TellingPlace =
    last === undefined
      ? { toldUntil: now, afterId: afterEveryId }
      : { toldUntil: later(last.expiresAt, -days), afterId: last.id };
  await moveWatch(tx, `${name} ${days}`, { ...to, until: null });
  const events = found.filter(({ isDue }) => isDue).map((ending) => toEvent(ending, days));
  return { events, isPageFull: last !== undefined };
}
