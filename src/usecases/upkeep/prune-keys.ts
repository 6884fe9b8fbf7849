import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { idFloor } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { deleteEndedKeys, type EndedStatus } from '../../stores/postgres/user-keys/ended-keys.ts';
import { commitAt } from '../change.ts';

/**
 * One transaction takes some tens of milliseconds; other writers of these keys do not wait for it.
 */
const pageMax = 500;

const dayMs = 86_400_000;

type PruneParts = { db: Database; randomBytes: RandomBytes; retention: { endedKeysDays: number } };

/**
 * Deletes user keys that ended longer ago than `endedKeysDays`, with their usage; 0 keeps them all.
 * The audit log keeps their ids, and each page of deletions is an event. Verification says
 * `NOT_FOUND` from then on, where it said `REVOKED` or `EXPIRED`. Idempotent: a killed run has done
 * whole pages. Returns the number of keys.
 */
export async function pruneKeys(parts: PruneParts): Promise<number> {
  const { endedKeysDays } = parts.retention;
  if (endedKeysDays === 0) return 0;
  const now = await readServerTime(parts.db);
  const endedBefore = new Date(now.getTime() - endedKeysDays * dayMs);
  return (
    (await pruneStatus(parts, 'revoked', endedBefore, now)) +
    (await pruneStatus(parts, 'expired', endedBefore, now))
  );
}

async function pruneStatus(
  parts: PruneParts,
  status: EndedStatus,
  endedBefore: Date,
  now: Date,
): Promise<number> {
  // An id begins with the time of the mint: a key that ended before a time has a lower one.
  const belowId = idFloor('key', endedBefore);
  let pruned = 0;
  for (let afterId: string | null = ''; afterId !== null; ) {
    const page = { status, afterId, belowId, endedBefore, limit: pageMax };
    const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
      const found = await deleteEndedKeys(tx, page);
      const details = { count: found.pruned, status, ended_before: endedBefore.toISOString() };
      const event = {
        eventType: 'keys.pruned',
        organizationId: null,
        targetId: 'ended keys',
        details,
      } as const;
      return { answer: found, events: found.pruned === 0 ? [] : [event], revokes: revokesNothing };
    });
    pruned += answer.pruned;
    afterId = answer.seen === pageMax ? answer.lastId : null;
  }
  return pruned;
}
