import type { RandomBytes } from '../../domain/clock.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { type EndingKey, listEndingKeys } from '../../stores/postgres/user-keys/due-keys.ts';
import { readSettledTime } from '../events/settled-time.ts';
import { type Ends, tellEnds } from '../events/tell-ends.ts';
import { dueKeyEvent } from './due-key-event.ts';

const endsOfKeys: Ends<EndingKey> = {
  name: 'key.expiring',
  list: listEndingKeys,
  toEvent: (key, daysLeft) =>
    dueKeyEvent('key.expiring', key, { days_left: daysLeft, expires_at: key.expiresAt.toISOString() }),
};

/**
 * Writes `key.expiring` for keys of all kinds that have 30, 7 or 1 day left. Disabled and stopped
 * keys, and those of deleted organizations, are left out: no caller loses anything at their end.
 */
export async function tellEndingKeys(
  parts: { db: Database; randomBytes: RandomBytes },
  now?: Date,
): Promise<number> {
  return tellEnds(parts, endsOfKeys, now ?? (await readSettledTime(parts.db)));
}
