import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database, Tx } from '../../stores/postgres/database.ts';
import { endRound, type HeldWatch, holdWatch, moveWatch } from '../../stores/postgres/events/watches.ts';
import { commitAt, type EventDraft } from '../change.ts';

/** Some seconds of work, once a minute; a round of a million keys takes an hour of runs. */
const pagesPerRun = 20;

/** A round of a few thousand keys takes one run, and costs nothing to speak of. */
const roundMsMin = 300_000;
const roundMsMax = 86_400_000;
/** A round takes at most this part of the time until the next one: a million keys, once a day. */
const roundShare = 1 / 30;

export type RoundPage = { afterId: string; from: Date; to: Date };

export type Round = {
  name: 'key.stale' | 'key.rotation_due' | 'master_key.unused';
  /** 0: nothing is told, and the time passes all the same. */
  days: number;
  /** Events of a page whose moments are after `from` and up to `to`. Null: the last page. */
  tell(tx: Tx, page: RoundPage): Promise<{ events: EventDraft[]; lastId: string | null }>;
};

/**
 * Goes on with a pass through all ids. A pass tells of the moments since the one before. The next
 * one begins after five minutes, and where a pass takes long, after up to a day. Place and events
 * are one transaction. Returns the number of events.
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
    await endRound(tx, name, now, now);
    return { events: [], isMore: false };
  }
  const { toldUntil, until } = watch;
  const isNew = until === null;
  if (isNew && now.getTime() < nextRoundMs(watch)) return { events: [], isMore: false };
  const to = until ?? now;
  const page = await tell(tx, { afterId: isNew ? '' : watch.afterId, from: toldUntil, to });
  if (page.lastId === null) await endRound(tx, name, to, now);
  else await moveWatch(tx, name, { toldUntil, afterId: page.lastId, until: to });
  return { events: page.events, isMore: page.lastId !== null };
}

/** `toldUntil` is also when the last round began. */
function nextRoundMs({ toldUntil, ranAt }: HeldWatch): number {
  const tookMs = ranAt.getTime() - toldUntil.getTime();
  return toldUntil.getTime() + Math.min(Math.max(tookMs / roundShare, roundMsMin), roundMsMax);
}
