import type { KeyRecord } from '../domain/key-record.ts';
import { endOfPeriod } from '../domain/usage.ts';
import type { Quota, RateLimit } from '../domain/user-key.ts';
import type { LimitState } from '../domain/verdict.ts';
import type { Spent } from '../stores/redis/limits.ts';

/** Decision of the limits on a call, and their states afterwards. */
export type LimitVerdict = {
  refusal: 'RATE_LIMITED' | 'QUOTA_EXCEEDED' | undefined;
  rate_limit?: LimitState & { window_seconds: number };
  quota?: LimitState & { period: string };
};

type State = Pick<LimitState, 'enforced' | 'remaining'> & { resetAtMs: number | null };

export type CountedSpent = Exclude<Spent, { outcome: 'quota_start_needed' }>;

const refusals = {
  spent: undefined,
  rate_limited: 'RATE_LIMITED',
  quota_exceeded: 'QUOTA_EXCEEDED',
} as const;

/** The decision of Redis, which counts for all processes. */
export function countedVerdict(
  { rateLimit, quota }: KeyRecord,
  counted: CountedSpent,
  now: Date,
): LimitVerdict {
  return {
    refusal: refusals[counted.outcome],
    ...(rateLimit !== null && {
      rate_limit: rateState(rateLimit, {
        enforced: true,
        remaining: Math.max(0, rateLimit.limit - counted.rateSpent),
        resetAtMs: now.getTime() + counted.windowLeftMs,
      }),
    }),
    ...(quota !== null && {
      quota: quotaState(quota, {
        enforced: true,
        remaining: Math.max(0, quota.limit - counted.quotaSpent),
        resetAtMs: endOfPeriod(quota.period, now).getTime(),
      }),
    }),
  };
}

export function rateState({ limit, window_seconds }: RateLimit, { resetAtMs, ...state }: State) {
  return { limit, ...state, reset_at: textOf(resetAtMs), window_seconds };
}

export function quotaState({ limit, period }: Quota, { resetAtMs, ...state }: State) {
  return { limit, ...state, reset_at: textOf(resetAtMs), period };
}

function textOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
