import type { KeyRecord } from '../domain/key-record.ts';
import type { OnUnavailable, Quota, RateLimit } from '../domain/user-key.ts';
import { type LimitVerdict, quotaState, rateState } from './limit-verdict.ts';
import type { LimitedLine, Moment } from './limited-line.ts';

/** Decision of one limit without Redis. `remaining` is null when the limit is not enforced. */
type Judgement = { refuses: boolean; remaining: number | null; resetsInMs: number | null };

const unlimited: Judgement = { refuses: false, remaining: null, resetsInMs: null };
const refused: Judgement = { refuses: true, remaining: 0, resetsInMs: null };

/**
 * Decides a call while Redis is away. Each of `processes` lets through its part of the last known
 * remainder, at least 1 while any is left. All limits are spent, or none is. Without a `line` (the
 * table is full), enforced limits refuse.
 */
export function spendShare(
  line: LimitedLine | undefined,
  record: KeyRecord,
  cost: number,
  moment: Moment,
  processes: number,
): LimitVerdict {
  const { rateLimit, quota } = record;
  const rate = rateLimit && judge(rateLimit, cost, () => windowShare(line, rateLimit, moment, processes));
  const period = quota && judge(quota, cost, () => periodShare(line, quota, moment, processes));
  const refusal = rate?.refuses ? 'RATE_LIMITED' : period?.refuses ? 'QUOTA_EXCEEDED' : undefined;
  const spent = refusal === undefined ? cost : 0;
  if (spent > 0 && line !== undefined) spend(line, record, spent, moment);
  return {
    refusal,
    ...(rateLimit && rate && { rate_limit: rateState(rateLimit, shown(rate, spent, moment)) }),
    ...(quota && period && { quota: quotaState(quota, shown(period, spent, moment)) }),
  };
}

/** Part of the remainder for one of several processes. */
export function shareOf(left: number, processes: number): number {
  return left <= 0 ? 0 : Math.max(1, Math.floor(left / processes));
}

type Share = { left: number; resetsInMs: number };

function judge(
  { on_unavailable = 'local' }: { on_unavailable?: OnUnavailable | undefined },
  cost: number,
  shareOfLimit: () => Share | undefined,
): Judgement {
  if (on_unavailable === 'allow') return unlimited;
  const share = on_unavailable === 'deny' ? undefined : shareOfLimit();
  if (share === undefined) return refused;
  return {
    refuses: cost > 0 && cost > share.left,
    remaining: Math.max(0, share.left),
    resetsInMs: share.resetsInMs,
  };
}

function windowShare(
  line: LimitedLine | undefined,
  rateLimit: RateLimit,
  { monotonicMs }: Moment,
  processes: number,
): Share | undefined {
  if (line === undefined) return undefined;
  const window = line.window(rateLimit, monotonicMs);
  if (window === undefined) {
    return { left: shareOf(rateLimit.limit, processes), resetsInMs: rateLimit.window_seconds * 1_000 };
  }
  return {
    left: shareOf(rateLimit.limit - window.spent, processes) - window.local,
    resetsInMs: window.endsAtMs - monotonicMs,
  };
}

function periodShare(
  line: LimitedLine | undefined,
  quota: Quota,
  moment: Moment,
  processes: number,
): Share | undefined {
  if (line === undefined) return undefined;
  const { spent = 0, local, endMs } = line.period(quota, moment);
  return {
    left: shareOf(quota.limit - spent, processes) - local,
    resetsInMs: endMs - moment.now.getTime(),
  };
}

/** A limit with "allow" is not spent, so its calls do not count against the key afterwards. */
function spend(line: LimitedLine, { rateLimit, quota }: KeyRecord, cost: number, moment: Moment): void {
  if (rateLimit !== null && rateLimit.on_unavailable !== 'allow') {
    const { monotonicMs } = moment;
    (line.window(rateLimit, monotonicMs) ?? line.openWindow(rateLimit, monotonicMs)).local += cost;
  }
  if (quota !== null && quota.on_unavailable !== 'allow') line.period(quota, moment).local += cost;
}

function shown({ remaining, resetsInMs }: Judgement, spent: number, { now }: Moment) {
  return {
    enforced: remaining === null ? (false as const) : ('local' as const),
    remaining: remaining === null ? null : remaining - spent,
    resetAtMs: resetsInMs === null ? null : now.getTime() + resetsInMs,
  };
}
