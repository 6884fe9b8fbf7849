import type { RandomBytes } from '../../domain/clock.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { listUnusedMasterKeys } from '../../stores/postgres/master-keys/due-master-keys.ts';
import { readSettledTime } from '../events/settled-time.ts';
import { type Round, tellRound } from '../events/tell-round.ts';

const pageMax = 500;

type UnusedParts = { db: Database; randomBytes: RandomBytes; idleness: { masterKeyUnusedDays: number } };

/**
 * Writes `master_key.unused` for living master keys that nobody has used for so many days; once,
 * until they are used again.
 */
export async function tellUnusedMasterKeys(parts: UnusedParts, now?: Date): Promise<number> {
  const days = parts.idleness.masterKeyUnusedDays;
  const round: Round = {
    name: 'master_key.unused',
    days,
    async tell(tx, page) {
      const { lastId, unused } = await listUnusedMasterKeys(tx, { ...page, days, limit: pageMax });
      const events = unused.map(({ id, lastUsedAt }) => ({
        eventType: 'master_key.unused' as const,
        organizationId: null,
        targetId: id,
        details: { days, ...(lastUsedAt === null ? {} : { last_used_at: lastUsedAt.toISOString() }) },
      }));
      return { events, lastId };
    },
  };
  return tellRound(parts, round, now ?? (await readSettledTime(parts.db)));
}
