import type { RandomBytes } from '../../domain/clock.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { type AgingKey, listAgingKeys } from '../../stores/postgres/user-keys/rotation-due.ts';
import { readSettledTime } from '../events/settled-time.ts';
import { warnedDays } from '../events/tell-ends.ts';
import { type Round, type RoundPage, tellRound } from '../events/tell-round.ts';
import { dueKeyEvent } from './due-key-event.ts';

const warnedDaysMax = warnedDays[0];

const pageMax = 1_000;
const dayMs = 86_400_000;

/**
 * Writes `key.rotation_due` for user keys that come to be 30, 7 or 1 day before the longest age
 * that their organization or their master key sets. After a long pause only the nearest of the days
 * that were passed is told. Returns the number of events.
 */
export async function tellDueRotations(
  parts: { db: Database; randomBytes: RandomBytes },
  now?: Date,
): Promise<number> {
  const round: Round = {
    name: 'key.rotation_due',
    days: warnedDaysMax,
    async tell(tx, page) {
      const dueBy = new Date(page.to.getTime() + warnedDaysMax * dayMs);
      const { lastId, aging } = await listAgingKeys(tx, {
        ...{ afterId: page.afterId, now: page.to, dueBy, limit: pageMax },
      });
      const events = aging.flatMap((key) => {
        const daysLeft = warnedDays.findLast((days) => isMomentIn(page, key, days));
        if (daysLeft === undefined) return [];
        const details = { days_left: daysLeft, rotation_due_at: key.rotationDueAt.toISOString() };
        return [dueKeyEvent('key.rotation_due', key, details)];
      });
      return { events, lastId };
    },
  };
  return tellRound(parts, round, now ?? (await readSettledTime(parts.db)));
}

/** Whether so many days before the due date lie in the time of this pass, and in the key's life. */
function isMomentIn({ from, to }: RoundPage, { createdAt, rotationDueAt }: AgingKey, days: number): boolean {
  const moment = new Date(rotationDueAt.getTime() - days * dayMs);
  return moment > from && moment <= to && moment > createdAt;
}
