import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { Quota, RateLimit } from '../../domain/key.ts';
import { endOfPeriod, startOfPeriod } from '../../domain/usage.ts';
import { keyspace } from './keyspace.ts';

export type Spend = {
  lineageId: string;
  cost: number;
  rateLimit: RateLimit | null;
  quota: Quota | null;
  now: Date;
  /** Cost already spent in the quota's period, for when its counter is absent; undefined when not known. */
  quotaStart: number | undefined;
};

export type Spent =
  | { outcome: 'quota_start_needed' }
  | {
      outcome: 'spent' | 'rate_limited' | 'quota_exceeded';
      rateSpent: number;
      windowLeftMs: number;
      quotaSpent: number;
    };

const outcomes = ['spent', 'rate_limited', 'quota_exceeded'] as const;

/** A counter outlives its period by a day, so that clocks which disagree a little never restart it. */
const quotaRestMs = 86_400_000;

type WithSpendLimits = Redis & {
  spendLimits(...args: Array<string | number>): Promise<[number, number, number, number]>;
};

/** Makes the script known to a connection; ioredis sends its hash, and its text again after a flush. */
export function defineLimitScripts(redis: Redis): void {
  redis.defineCommand('spendLimits', {
    numberOfKeys: 2,
    lua: readFileSync(new URL('./lua/spend-limits.lua', import.meta.url), 'utf8'),
  });
}

/** Atomic for one line of keys: either all limits are spent or none is. */
export async function spendLimits(redis: Redis, spend: Spend): Promise<Spent> {
  const period = spend.quota?.period ?? 'day';
  const [outcome, rateSpent, windowLeftMs, quotaSpent] = await (redis as WithSpendLimits).spendLimits(
    keyspace.rate(spend.lineageId),
    keyspace.quota(spend.lineageId, period, startOfPeriod(period, spend.now)),
    spend.cost,
    spend.rateLimit?.limit ?? -1,
    (spend.rateLimit?.window_seconds ?? 0) * 1_000,
    spend.quota?.limit ?? -1,
    endOfPeriod(period, spend.now).getTime() - spend.now.getTime() + quotaRestMs,
    spend.quotaStart ?? -1,
  );
  const named = outcomes[outcome];
  return named === undefined
    ? { outcome: 'quota_start_needed' }
    : { outcome: named, rateSpent, windowLeftMs, quotaSpent };
}
