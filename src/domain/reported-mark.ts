import { callsPerMinuteMax } from './call-budgets.ts';
import { numberRanges } from './number-ranges.ts';
import type { UsageMark } from './usage.ts';
import { isAccepted, type VerdictCode } from './verdict.ts';

/** Reason why a mark of a usage report is not counted. */
export const leftOutReasons = ['time', 'outcome', 'calls', 'cost', 'unknown_key', 'limited_key'] as const;
export type LeftOutReason = (typeof leftOutReasons)[number];

/** Maximum delay of a report. Later counts would open partitions that were dropped. */
const lateMsMax = 7 * 86_400_000;
const earlyMsMax = 3_600_000;

/**
 * How long after a key was limited its earlier calls are still accepted: as long as a silent
 * verifier is remembered.
 */
export const reportedLateMsMax = 20 * 60_000;

/** Codes that only the broker decides, or that belong to no key. */
const brokersOwn: readonly VerdictCode[] = ['MALFORMED', 'NOT_FOUND', 'RATE_LIMITED', 'QUOTA_EXCEEDED'];

/** Returns why a mark is impossible by itself, or undefined. */
export function impossibilityOf(mark: UsageMark, nowMs: number): LeftOutReason | undefined {
  const { minuteMs, code, calls, cost } = mark;
  if (minuteMs <= nowMs - lateMsMax || minuteMs >= nowMs + earlyMsMax) return 'time';
  if (brokersOwn.includes(code)) return 'outcome';
  if (calls > callsPerMinuteMax) return 'calls';
  if (cost > (isAccepted(code) ? calls * numberRanges.cost.max : 0)) return 'cost';
  return undefined;
}

/** Since when only the broker decides about a line of keys; null: always. */
export type Limited = { sinceMs: number | null };

/**
 * Whether a verifier may have decided in that minute about a line that is limited now. It may,
 * before the line was limited. Those calls count, so that a new quota starts from all that was
 * spent.
 */
export function mayHaveDecided(limited: Limited, mark: UsageMark, nowMs: number): boolean {
  const { sinceMs } = limited;
  return sinceMs !== null && mark.minuteMs < sinceMs && nowMs - sinceMs < reportedLateMsMax;
}
