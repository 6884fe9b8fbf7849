import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { afterEveryId, holdWatch, moveWatch } from '../../stores/postgres/events/watches.ts';
import { commitAt, type EventDraft } from '../change.ts';

/** A moment is told within this time, and each row is read once in it. */
const roundMs = 86_400_000;

/** Some seconds of work; a round of a million keys takes an hour of runs. */
const pagesPerRun = 20;

export type RoundPage = { afterId: string; from: Date; to: Date };

export type Round = {
  name: 'key.stale' | 'key.rotation_due' | 'master_key.unused';
  /** 0: nothing is told, and the time passes all the same. */
  days: number;
  /** Events of a page whose moments are after `from` and up to `to`. Null: the last page. */
  tell(tx: Tx, page: RoundPage): Promise<{ events: EventDraft[]; lastId: string | null }>;
};

/**
 * Goes on with a pass through all ids. A pass tells of the moments since the one before, each pass
 * once a day. Place and events are one transaction. Returns the number of events.
 */
export async function tellRound(
  parts: { db: Database; randomBytes: RandomBytes },
  round: Round,
  now: Date,
): Promise<number> {
  let told = 0;
  for (let page = 0; page < pagesPerRun; page++) {
    const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
      const { events, isMore } = await tellPage(tx, round, now);
      return { answer: { told: events.length, isMore }, events, revokes: revokesNothing };
    });
    told += answer.told;
    if (!answer.isMore) break;
  }
  return told;
}

async function tellPage(
  tx: Tx,
  { name, days, tell }: Round,
  now: Date,
): Promise<{ events: EventDraft[]; isMore: boolean }> {
  const watch = await holdWatch(tx, name);
  if (watch === undefined || now <= watch.toldUntil) return { events: [], isMore: false };
  if (days === 0) {
    await moveWatch(tx, name, { toldUntil: now, afterId: afterEveryId, until: null });
    return { events: [], isMore: false };
  }
  const { toldUntil, until } = watch;
  const isNew = until === null;
  if (isNew && now.getTime() - toldUntil.getTime() < roundMs) return { events: [], isMore: false };
  const to = until ?? now;
  const page = await tell(tx, { afterId: isNew ? '' : watch.afterId, from: toldUntil, to });
  const isMore = page.lastId !== null;
  await moveWatch(
    tx,
    name,
    page.lastId === null
      ? { toldUntil: to, afterId: afterEveryId, until: null }
      : { toldUntil, afterId: page.lastId, until: to },
  );
  return { events: page.events, isMore };
}
