import type { Redis } from 'ioredis';
import type { KeyRecord } from '../domain/key-record.ts';
import { endOfPeriod, startOfPeriod } from '../domain/usage.ts';
import type { LimitState } from '../domain/verdict.ts';
import type { Database } from '../stores/postgres/database.ts';
import { sumAcceptedCost } from '../stores/postgres/usage.ts';
import { type Spent, spendLimits } from '../stores/redis/limits.ts';

export type LimitVerdict = {
  refusal: 'RATE_LIMITED' | 'QUOTA_EXCEEDED' | undefined;
  rate_limit?: LimitState & { window_seconds: number };
  quota?: LimitState & { period: string };
};

/**
 * Spends `cost` from the key's limits, all or nothing. When the counters cannot be reached the limits say what each was told to
 * say (`on_unavailable`, by default "allow"), and that they were not enforced.
 */
export async function spendKeyLimits(
  parts: { redis: Redis; db: Database },
  record: KeyRecord,
  cost: number,
  now: Date,
): Promise<LimitVerdict> {
  try {
    return enforced(record, await spend(parts, record, cost, now), now);
  } catch {
    return unenforced(record);
  }
}

/** The second try brings what Postgres has counted in the period: Redis lost the counter, or never had it. */
async function spend(
  { redis, db }: { redis: Redis; db: Database },
  record: KeyRecord,
  cost: number,
  now: Date,
): Promise<Spent> {
  const asked = { lineageId: record.lineageId, cost, rateLimit: record.rateLimit, quota: record.quota, now };
  const spent = await spendLimits(redis, { ...asked, quotaStart: undefined });
  if (spent.outcome !== 'quota_start_needed' || record.quota === null) return spent;
  const since = startOfPeriod(record.quota.period, now);
  return spendLimits(redis, {
    ...asked,
    quotaStart: await sumAcceptedCost(db, record.lineageId, since),
  });
}

function enforced(record: KeyRecord, spent: Spent, now: Date): LimitVerdict {
  if (spent.outcome === 'quota_start_needed') throw new Error('the quota counter did not take its start');
  const { rateLimit, quota } = record;
  const refusals = {
    spent: undefined,
    rate_limited: 'RATE_LIMITED',
    quota_exceeded: 'QUOTA_EXCEEDED',
  } as const;
  return {
    refusal: refusals[spent.outcome],
    ...(rateLimit !== null && {
      rate_limit: {
        limit: rateLimit.limit,
        remaining: Math.max(0, rateLimit.limit - spent.rateSpent),
        reset_at: new Date(now.getTime() + spent.windowLeftMs).toISOString(),
        enforced: true,
        window_seconds: rateLimit.window_seconds,
      },
    }),
    ...(quota !== null && {
      quota: {
        limit: quota.limit,
        remaining: Math.max(0, quota.limit - spent.quotaSpent),
        reset_at: endOfPeriod(quota.period, now).toISOString(),
        enforced: true,
        period: quota.period,
      },
    }),
  };
}

function unenforced({ rateLimit, quota }: KeyRecord): LimitVerdict {
  const unknown = { remaining: null, reset_at: null, enforced: false };
  return {
    refusal:
      rateLimit?.on_unavailable === 'deny'
        ? 'RATE_LIMITED'
        : quota?.on_unavailable === 'deny'
          ? 'QUOTA_EXCEEDED'
          : undefined,
    ...(rateLimit !== null && {
      rate_limit: { limit: rateLimit.limit, ...unknown, window_seconds: rateLimit.window_seconds },
    }),
    ...(quota !== null && { quota: { limit: quota.limit, ...unknown, period: quota.period } }),
  };
}
