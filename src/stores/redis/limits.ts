import { readFileSync } from 'node:fs';
import { endOfPeriod, startOfPeriod } from '../../domain/usage.ts';
import type { Quota, RateLimit } from '../../domain/user-key.ts';
import type { RedisClient } from './client.ts';
import { keyspace } from './keyspace.ts';

export type Spend = {
  lineageId: string;
  cost: number;
  rateLimit: RateLimit | null;
  quota: Quota | null;
  now: Date;
  /**
   * This process's state of the rate window. Redis adds `owed`, and starts an absent counter from
   * `spent`.
   */
  window: { owed: number; spent: number; leftMs: number } | undefined;
  /** Lower bound of the quota's usage. `isAll`: an absent counter may start from it. */
  period: { spent: number; isAll: boolean } | undefined;
};

/** Counters after the call. */
export type Counted = { rateSpent: number; windowLeftMs: number; quotaSpent: number };

export type Spent =
  | { outcome: 'quota_start_needed' }
  | ({ outcome: 'spent' | 'rate_limited' | 'quota_exceeded' } & Counted);

const outcomes = ['spent', 'rate_limited', 'quota_exceeded'] as const;

/** A counter outlives its period by a day, so that clock differences never restart it. */
const quotaRestMs = 86_400_000;

type WithSpendLimits = RedisClient & {
  spendLimits(...args: Array<string | number>): Promise<[number, number, number, number]>;
};

/** Registers the script; ioredis sends its hash, and the text again after a flush. */
export function defineLimitScripts(redis: RedisClient): void {
  redis.defineCommand('spendLimits', {
    numberOfKeys: 2,
    lua: readFileSync(new URL('./lua/spend-limits.lua', import.meta.url), 'utf8'),
  });
}

/** Atomic per line of keys: all limits are spent, or none. */
export async function spendLimits(redis: RedisClient, spend: Spend): Promise<Spent> {
  const period = spend.quota?.period ?? 'day';
  const windowSeconds = spend.rateLimit?.window_seconds ?? 0;
  const [outcome, rateSpent, windowLeftMs, quotaSpent] = await (redis as WithSpendLimits).spendLimits(
    keyspace.rate(spend.lineageId, windowSeconds),
    keyspace.quota(spend.lineageId, period, startOfPeriod(period, spend.now)),
    spend.cost,
    spend.rateLimit?.limit ?? -1,
    windowSeconds * 1_000,
    spend.window?.owed ?? 0,
    spend.window?.spent ?? 0,
    Math.max(1, Math.ceil(spend.window?.leftMs ?? 0)),
    spend.quota?.limit ?? -1,
    endOfPeriod(period, spend.now).getTime() - spend.now.getTime() + quotaRestMs,
    spend.period?.spent ?? 0,
    spend.period?.isAll === true ? 1 : 0,
  );
  const named = outcomes[outcome];
  return named === undefined
    ? { outcome: 'quota_start_needed' }
    : { outcome: named, rateSpent, windowLeftMs, quotaSpent };
}
