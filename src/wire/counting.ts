import { LoopLateness } from '../concurrency/loop-lateness.ts';
import { Stamps } from '../domain/stamp.ts';
import { saveSupersededUses } from '../stores/postgres/user-keys/superseded-uses.ts';
import { pushFlush } from '../stores/redis/usage-flushes.ts';
import { countFlush } from '../usecases/usage/count-flush.ts';
import { AskedScopes } from '../verify/asked-scopes.ts';
import { CountedLimits, patience } from '../verify/counted-limits.ts';
import { LimitedLines } from '../verify/limited-lines.ts';
import { Limits } from '../verify/limits.ts';
import { SpentInPeriods } from '../verify/spent-in-periods.ts';
import { SupersededUses } from '../verify/superseded-uses.ts';
import { type DeliverFlush, UsageRecorder } from '../verify/usage-recorder.ts';
import type { ProcessParts } from './process-parts.ts';
import { tellOfSetAside } from './report-set-aside-flush.ts';
import type { RevocationParts } from './revocation.ts';
import { scopeSaver } from './save-asked-scopes.ts';
import type { Stores } from './stores.ts';

/**
 * About 500 bytes each. Beyond it, a limited key that is not in the table is refused while Redis is
 * away.
 */
const limitedLinesMax = 100_000;

export type CountingParts = ReturnType<typeof wireCounting>;

/** Usage on its way to Postgres, and the limits that are spent of it. */
export function wireCounting(
  { config, log, metrics, closing, fault, warnings }: ProcessParts,
  { redis, limitsRedis, usageDb, verifyDb }: Stores,
  { clock, lease, keysInMemory }: RevocationParts,
) {
  const flushStamps = new Stamps(config.FLOWPLATE_PEPPERS, 'usage');
  const counting = { db: usageDb, onSetAside: tellOfSetAside(log, metrics), flushStamps };
  // Redis sums up the counts of many processes; without it each goes to Postgres itself, under the
  // same flush id.
  const deliverUsage: DeliverFlush = (flush) =>
    pushFlush({ redis, flushStamps }, flush).catch(() => countFlush(counting, flush));
  const usage = new UsageRecorder(deliverUsage, fault('usage'), keysInMemory);
  closing.add('usage', () => usage.close());
  const supersededUses = new SupersededUses((uses) => saveSupersededUses(usageDb, uses), fault('postgres'));
  closing.add('uses of superseded keys', () => supersededUses.close());
  const askedScopes = new AskedScopes(scopeSaver(usageDb, warnings), fault('postgres'));
  closing.add('asked scopes', () => askedScopes.close());

  const lateness = new LoopLateness();
  const handOverUsage = () => usage.handOver();
  const spentInPeriods = new SpentInPeriods({ redis, flushStamps, db: verifyDb, handOverUsage });
  const limits = new Limits({
    counted: new CountedLimits({ redis: limitsRedis, spentInPeriods, patience }),
    lines: new LimitedLines(limitedLinesMax),
    clock,
    processes: () => Math.max(config.API_PROCESSES, lease.apiProcesses),
    loopLatenessMs: () => lateness.ms,
    onDecision: metrics.countLimitDecision,
  });
  return { deliverUsage, usage, supersededUses, askedScopes, lateness, limits };
}
