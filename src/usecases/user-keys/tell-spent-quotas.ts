import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import { endOfPeriod } from '../../domain/usage.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import {
  takeCountedQuotaLines,
  tellSpentQuotas as tellLines,
} from '../../stores/postgres/usage/told-quotas.ts';
import { commitAt } from '../change.ts';
import { dueKeyEvent } from './due-key-event.ts';

const linesMax = 2_000;

/**
 * Writes `key.quota.reached` for keys that have spent 80 or 100 % of their quota by the sums in
 * Postgres: once for each step of a period, and 100 alone when both were passed at once. Returns
 * the number of events.
 */
export async function tellSpentQuotas(
  parts: { db: Database; randomBytes: RandomBytes },
  fixedNow?: Date,
): Promise<number> {
  for (let told = 0; ; ) {
    const now = fixedNow ?? (await readServerTime(parts.db));
    const { answer } = await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
      const { taken, lineageIds } = await takeCountedQuotaLines(tx, linesMax);
      const spent = lineageIds.length === 0 ? [] : await tellLines(tx, lineageIds, now);
      const events = spent.map(({ percent, limit, period, spent, ...key }) => {
        const resetsAt = endOfPeriod(period, now).toISOString();
        return dueKeyEvent('key.quota.reached', key, { percent, limit, period, spent, resets_at: resetsAt });
      });
      return { answer: { taken, told: events.length }, events, revokes: revokesNothing };
    });
    told += answer.told;
    if (answer.taken < linesMax) return told;
  }
}
