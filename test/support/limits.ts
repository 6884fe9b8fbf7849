import type { Redis } from 'ioredis';
import { Stamps } from '../../src/domain/stamp.ts';
import type { Database } from '../../src/stores/postgres/database.ts';
import { pushFlush } from '../../src/stores/redis/usage-flushes.ts';
import { CountedLimits, type CountedLimitsParts } from '../../src/verify/counted-limits.ts';
import { LimitedLines } from '../../src/verify/limited-lines.ts';
import { type LimitDecision, Limits } from '../../src/verify/limits.ts';
import { SpentInPeriods } from '../../src/verify/spent-in-periods.ts';
import { UsageRecorder } from '../../src/verify/usage-recorder.ts';
import { testKeyring } from './use-case-parts.ts';

export type TestLimits = {
  limits: Limits;
  /** Usage of the same process, which is flushed before a quota is initialised. */
  usage: UsageRecorder;
  decisions: LimitDecision[];
};

type Changed = {
  processes?: number;
  linesMax?: number;
  latenessMs?: number;
  now?: Date;
  patience?: CountedLimitsParts['patience'];
};

/** For tests that are not about late answers, and run on a machine where everything is late. */
const patient = { redisMs: 10_000, postgresMs: 10_000 };

/** The limits of one process, as `wire.ts` builds them. */
export function newLimits({ redis, db }: { redis: Redis; db: Database }, changed: Changed = {}): TestLimits {
  const flushStamps = new Stamps(testKeyring, 'usage');
  const { processes = 1, linesMax = 1_000, latenessMs = 0, now = new Date(), patience = patient } = changed;
  const usage = new UsageRecorder(
    (flush) => pushFlush({ redis, flushStamps }, flush),
    () => undefined,
  );
  const decisions: LimitDecision[] = [];
  const limits = new Limits({
    counted: new CountedLimits({
      redis,
      patience,
      spentInPeriods: new SpentInPeriods({ redis, flushStamps, db, handOverUsage: () => usage.handOver() }),
    }),
    lines: new LimitedLines(linesMax),
    clock: { now: () => now },
    processes: () => processes,
    loopLatenessMs: () => latenessMs,
    onDecision: (decision) => void decisions.push(decision),
  });
  return { limits, usage, decisions };
}
