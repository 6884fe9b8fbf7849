import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { endDueKeys, endDueQuarantines } from '../../stores/postgres/user-keys/user-keys.ts';
import { commitAt } from '../change.ts';
import { keyEvent, keyRevokedEvent } from './key-events.ts';

const batchMax = 500;

/** The sweep cannot be undone, so a clock that was wrong for a moment must not decide it. */
const settleMs = 60_000;

/**
 * Sweep: writes the final status of keys whose expiry, grace or quarantine ended at least a minute
 * ago, by the server's clock and by this process's own. Verification decides the same without it.
 * Idempotent. Returns the number of keys.
 */
export async function expireDueKeys(parts: { db: Database; randomBytes: RandomBytes }): Promise<number> {
  let ended = 0;
  for (;;) {
    const serverTime = await readServerTime(parts.db);
    const dueAt = new Date(Math.min(serverTime.getTime(), Date.now()) - settleMs);
    const { answer } = await commitAt(parts, serverTime, { by: systemOrigin }, async (tx) => {
      const keys = [
        ...(await endDueKeys(tx, dueAt, batchMax)),
        ...(await endDueQuarantines(tx, dueAt, batchMax)),
      ];
      const events = keys.map((key) =>
        key.status === 'expired'
          ? keyEvent('key.expired', key)
          : keyRevokedEvent(key, key.revokedReason ?? 'superseded'),
      );
      return { answer: { ended: keys.length }, events, revokes: revokesNothing };
    });
    ended += answer.ended;
    if (answer.ended < batchMax) return ended;
  }
}
