import type { VerdictCode } from './verdict.ts';

/**
 * Usage of one line of keys within one minute with one outcome. Marks of one kind can be added up.
 */
export type UsageMark = {
  lineageId: string;
  /** Start of the minute, Unix milliseconds. A late flush still lands on its own day. */
  minuteMs: number;
  code: VerdictCode;
  calls: number;
  cost: number;
  firstAtMs: number;
  lastAtMs: number;
};

/**
 * Usage marks of one process since its last flush, or a part of them. The id deduplicates repeated
 * deliveries.
 */
export type UsageFlush = { id: string; marks: UsageMark[] };

export const minuteMs = 60_000;

export function startOfMinuteMs(atMs: number): number {
  return atMs - (atMs % minuteMs);
}

/** Saturating sum: stops at 2^53 − 1, beyond which a double loses digits. */
export function addCounts(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

/** Date in UTC, such as `2030-06-15`. */
export function utcDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** Start of the UTC day or month that contains `at`. */
export function startOfPeriod(period: 'day' | 'month', at: Date): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), period === 'day' ? at.getUTCDate() : 1));
}

export function endOfPeriod(period: 'day' | 'month', at: Date): Date {
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  return new Date(
    period === 'day' ? Date.UTC(year, month, at.getUTCDate() + 1) : Date.UTC(year, month + 1, 1),
  );
}
