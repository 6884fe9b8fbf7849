import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { insertAuditEvents } from '../../stores/postgres/audit-events.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { endDueKeys } from '../../stores/postgres/keys.ts';
import { readServerTime } from '../../stores/postgres/server-clock.ts';
import { keyEvent } from './key-events.ts';

const batchMax = 500;

/**
 * Writes down what verification decides anyway: that keys past their expiry or their grace have ended. Works by state, not by
 * tick, so a missed, repeated or doubled run changes nothing. Returns how many it ended.
 */
export async function expireDueKeys(parts: { db: Database; randomBytes: RandomBytes }): Promise<number> {
  let ended = 0;
  for (;;) {
    const batch = await parts.db.transaction().execute(async (tx) => {
      const now = await readServerTime(tx);
      const keys = await endDueKeys(tx, now, batchMax);
      const at = { now, randomBytes: parts.randomBytes };
      await insertAuditEvents(
        tx,
        keys.map((key) =>
          keyEvent(at, systemOrigin, key.status === 'expired' ? 'key.expired' : 'key.revoked', key),
        ),
      );
      return keys.length;
    });
    ended += batch;
    if (batch < batchMax) return ended;
  }
}
