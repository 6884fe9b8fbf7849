import type { RandomBytes } from '../../domain/clock.ts';
import type { Database } from '../../stores/postgres/database.ts';
import {
  type EndingMasterKey,
  listEndingMasterKeys,
} from '../../stores/postgres/master-keys/due-master-keys.ts';
import { readSettledTime } from '../events/settled-time.ts';
import { type Ends, tellEnds } from '../events/tell-ends.ts';

const endsOfMasterKeys: Ends<EndingMasterKey> = {
  name: 'master_key.expiring',
  list: listEndingMasterKeys,
  toEvent: ({ id, expiresAt }, daysLeft) => ({
    eventType: 'master_key.expiring',
    organizationId: null,
    targetId: id,
    details: { days_left: daysLeft, expires_at: expiresAt.toISOString() },
  }),
};

/** Writes `master_key.expiring` for master keys that have 30, 7 or 1 day left. */
export async function tellEndingMasterKeys(
  parts: { db: Database; randomBytes: RandomBytes },
  now?: Date,
): Promise<number> {
  return tellEnds(parts, endsOfMasterKeys, now ?? (await readSettledTime(parts.db)));
}
