import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import { endDueKeys } from '../../stores/postgres/user-keys/user-keys.ts';
import { commitAt } from '../change.ts';
import { keyEvent } from './key-events.ts';

const batchMax = 500;

/**
 * What the sweep writes cannot be undone, so a clock that was wrong for a moment must not decide
 * it.
 */
const settleMs = 60_000;

/**
 * Writes down what verification decides anyway: that keys past their expiry or their grace have
 * ended, a minute ago or longer by the server's clock and by this process's own. Works by state,
 * not by tick, so a missed, repeated or doubled run changes nothing. Returns how many it ended.
 */
export async function expireDueKeys(parts: { db: Database; randomBytes: RandomBytes }): Promise<number> {
  let ended = 0;
  for (;;) {
    const serverTime = await readServerTime(parts.db);
    const dueAt = new Date(Math.min(serverTime.getTime(), Date.now()) - settleMs);
    const { answer } = await commitAt(parts, serverTime, { by: systemOrigin }, async (tx) => {
      const keys = await endDueKeys(tx, dueAt, batchMax);
      const events = keys.map((key) =>
        keyEvent(key.status === 'expired' ? 'key.expired' : 'key.revoked', key),
      );
      return { answer: { ended: keys.length }, events, revokes: revokesNothing };
    });
    ended += answer.ended;
    if (answer.ended < batchMax) return ended;
  }
}
