import { callsPerMinuteMax } from './call-budgets.ts';
import { numberRanges } from './number-ranges.ts';
import type { UsageMark } from './usage.ts';
import { isAccepted, type VerdictCode } from './verdict.ts';

/** Why a mark of a report does not count. */
export type LeftOutReason = 'time' | 'outcome' | 'calls' | 'cost' | 'unknown_key' | 'limited_key';

/**
 * A gateway that could not deliver for longer has its counts refused: they would open partitions
 * that were dropped.
 */
const lateMsMax = 7 * 86_400_000;
const earlyMsMax = 3_600_000;

/**
 * How long after a key was limited its calls of before may still come in: as long as a silent
 * verifier is remembered.
 */
export const reportedLateMsMax = 20 * 60_000;

/** These are decided by the broker alone, or belong to no key. */
const brokersOwn: readonly VerdictCode[] = ['MALFORMED', 'NOT_FOUND', 'RATE_LIMITED', 'QUOTA_EXCEEDED'];

/** What makes a mark impossible by itself; undefined when nothing does. */
export function impossibilityOf(mark: UsageMark, nowMs: number): LeftOutReason | undefined {
  const { minuteMs, code, calls, cost } = mark;
  if (minuteMs <= nowMs - lateMsMax || minuteMs >= nowMs + earlyMsMax) return 'time';
  if (brokersOwn.includes(code)) return 'outcome';
  if (calls > callsPerMinuteMax) return 'calls';
  if (cost > (isAccepted(code) ? calls * numberRanges.cost.max : 0)) return 'cost';
  return undefined;
}

/** When a line of keys became one that only the broker decides about; null: it always was. */
export type Limited = { sinceMs: number | null };

/**
 * Whether a verifier may have decided in that minute about a line that is limited now: not since it
 * was limited. What it decided before counts, so that a quota that is set starts from all that was
 * spent.
 */
export function mayHaveDecided(limited: Limited, mark: UsageMark, nowMs: number): boolean {
  const { sinceMs } = limited;
  return sinceMs !== null && mark.minuteMs < sinceMs && nowMs - sinceMs < reportedLateMsMax;
}
