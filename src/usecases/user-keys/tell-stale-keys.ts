import type { RandomBytes } from '../../domain/clock.ts';
import { listStaleKeys } from '../../stores/postgres/user-keys/due-keys.ts';
import { readSettledTime } from '../events/settled-time.ts';
import { type Round, tellRound } from '../events/tell-round.ts';
import { flushesPerRun, type RollUpParts, rollUpUsage } from '../usage/roll-up-usage.ts';
import { dueKeyEvent } from './due-key-event.ts';

const pageMax = 1_000;

type StaleParts = RollUpParts & { randomBytes: RandomBytes; idleness: { keyStaleDays: number } };

/**
 * Writes `key.stale` for user keys that were accepted not once for so many days; once, until they
 * are accepted again. Usage that waits in Redis is counted first: after a pause of the worker it
 * would be missing. While Redis is away nothing is told.
 */
export async function tellStaleKeys(parts: StaleParts, now?: Date): Promise<number> {
  const days = parts.idleness.keyStaleDays;
  const round: Round = {
    name: 'key.stale',
    days,
    async tell(tx, page) {
      const { lastId, stale } = await listStaleKeys(tx, { ...page, days, limit: pageMax });
      const events = stale.map((key) =>
        dueKeyEvent('key.stale', key, {
          days,
          ...(key.lastUsedAt === null ? {} : { last_used_at: key.lastUsedAt.toISOString() }),
        }),
      );
      return { events, lastId };
    },
  };
  if (days > 0) await countWaitingUsage(parts);
  return tellRound(parts, round, now ?? (await readSettledTime(parts.db)));
}

/** All that waited at the beginning: a run that is not full has reached its end. */
async function countWaitingUsage(parts: RollUpParts): Promise<void> {
  while ((await rollUpUsage(parts)) >= flushesPerRun);
}
