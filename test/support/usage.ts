import { randomUUID } from 'node:crypto';
import { startOfMinuteMs, type UsageFlush, type UsageMark } from '../../src/domain/usage.ts';
import type { Db } from '../../src/stores/postgres/database.ts';
import { listUsageTotals } from '../../src/stores/postgres/usage/usage.ts';

/** Calls of one line at one time, accepted unless told otherwise. */
export function usageMark(lineageId: string, at: string, changed: Partial<UsageMark> = {}): UsageMark {
  const atMs = Date.parse(at);
  const sums = { code: 'VALID' as const, calls: 1, cost: 1, firstAtMs: atMs, lastAtMs: atMs };
  return { lineageId, minuteMs: startOfMinuteMs(atMs), ...sums, ...changed };
}

export function usageFlush(...marks: UsageMark[]): UsageFlush {
  return { id: randomUUID(), marks };
}

export async function acceptedCalls(db: Db, lineageId: string): Promise<number> {
  const totals = await listUsageTotals(db, [lineageId], new Date());
  return totals.get(lineageId)?.accepted ?? 0;
}
