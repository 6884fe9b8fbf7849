import { z } from 'zod';
import { addCounts } from '../domain/usage.ts';
import { isAccepted, type VerdictCode } from '../domain/verdict.ts';

/** Usage counts in an answer. */
export const outcomeFields = {
  requests: z.int().describe('Accepted verifications'),
  refused: z.int(),
  refusals: z.record(z.string(), z.int()).describe('Refused verifications by code'),
};

export function addUpOutcomes(sums: readonly { code: VerdictCode; calls: number }[]) {
  const total = { requests: 0, refused: 0, refusals: {} as Record<string, number> };
  for (const { code, calls } of sums) {
    if (isAccepted(code)) {
      total.requests = addCounts(total.requests, calls);
    } else {
      total.refused = addCounts(total.refused, calls);
      total.refusals[code] = addCounts(total.refusals[code] ?? 0, calls);
    }
  }
  return total;
}
