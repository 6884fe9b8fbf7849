import { createHash } from 'node:crypto';
import type { UsageFlush, UsageMark } from '../domain/usage.ts';
import type { VerdictCode } from '../domain/verdict.ts';

/**
 * Lines of keys with one outcome in one minute. Times are milliseconds after the start of the
 * minute.
 */
export type SentSum = {
  minute_ms: number;
  code: VerdictCode;
  lines: [lineageId: string, calls: number, cost: number, firstAfterMs: number, lastAfterMs: number][];
};

export type UsageReport = { id: string; sums: SentSum[] };

/** A body may have 64 KiB. A sum takes at most 80 bytes of JSON around its lines. */
const reportBytesMax = 60_000;
const sumBytes = 80;
/** Of a line: brackets, quotes and commas, and the two times of at most five digits. */
const lineBytesMin = 19;
/** A count has one digit nearly always, and 16 at most. */
const countBytes = (count: number) => (count < 10 ? 1 : 16);

/** Splits a flush into reports, each with an id derived from the flush. */
export function toReports({ id, marks }: UsageFlush): UsageReport[] {
  const reports: UsageReport[] = [];
  for (let start = 0; start < marks.length; ) {
    const { sums, end } = sumUp(marks, start);
    reports.push({ id: start === 0 ? id : derivedId(id, start), sums });
    start = end;
  }
  return reports;
}

/** Takes as many marks as fit in one report. */
function sumUp(marks: readonly UsageMark[], start: number): { sums: SentSum[]; end: number } {
  const sums: SentSum[] = [];
  let sum: SentSum | undefined;
  let bytes = 0;
  let end = start;
  for (; end < marks.length; end++) {
    const mark = marks[end] as UsageMark;
    // Most marks belong where the one before belongs.
    const known = sum !== undefined && isOf(sum, mark) ? sum : sums.find((other) => isOf(other, mark));
    bytes += bytesOf(mark) + (known === undefined ? sumBytes : 0);
    if (bytes > reportBytesMax) break;
    sum = known ?? { minute_ms: mark.minuteMs, code: mark.code, lines: [] };
    if (known === undefined) sums.push(sum);
    const [firstAfterMs, lastAfterMs] = [mark.firstAtMs - mark.minuteMs, mark.lastAtMs - mark.minuteMs];
    sum.lines.push([mark.lineageId, mark.calls, mark.cost, firstAfterMs, lastAfterMs]);
  }
  return { sums, end };
}

function bytesOf({ lineageId, calls, cost }: UsageMark): number {
  return lineBytesMin + lineageId.length + countBytes(calls) + countBytes(cost);
}

function isOf({ minute_ms, code }: SentSum, mark: UsageMark): boolean {
  return minute_ms === mark.minuteMs && code === mark.code;
}

/** UUID version 8 (RFC 9562 §5.8), derived from the flush and the part. */
function derivedId(id: string, start: number): string {
  const hex = createHash('sha256').update(`${id} ${start}`).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
