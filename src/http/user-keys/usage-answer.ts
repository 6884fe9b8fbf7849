import { z } from 'zod';
import { addCounts } from '../../domain/usage.ts';
import type { KeyUsage } from '../../usecases/usage/usage-range.ts';
import { endTime, keyId, startTime, timestampText } from '../fields.ts';
import { addUpOutcomes, outcomeFields } from '../outcome-sums.ts';

export const usageQuery = z.strictObject({
  from: startTime.optional(),
  to: endTime.optional(),
  granularity: z.enum(['hour', 'day']).default('hour'),
});

export const usageDescription =
  'Calls of the key and of all keys of its line (refreshed from or into), counted within ten seconds. The range is widened to whole hours or UTC days; steps without calls are omitted.';

const { refusals, ...counts } = outcomeFields;
const sums = { ...counts, cost: z.int().describe('Accepted cost'), refusals };

export const usageAnswer = z.strictObject({
  key_id: keyId,
  granularity: z.enum(['hour', 'day']),
  from: timestampText,
  to: timestampText,
  data: z.array(z.strictObject({ start: timestampText, ...sums })),
  totals: z.strictObject(sums),
});

export function toUsageAnswer(id: string, usage: KeyUsage): z.output<typeof usageAnswer> {
  const steps = Map.groupBy(usage.sums, (sum) => sum.start.getTime());
  return {
    key_id: id,
    granularity: usage.granularity,
    from: usage.from.toISOString(),
    to: usage.to.toISOString(),
    data: [...steps].map(([start, step]) => ({ start: new Date(start).toISOString(), ...addUp(step) })),
    totals: addUp(usage.sums),
  };
}

function addUp(all: KeyUsage['sums']) {
  const { refusals, ...counts } = addUpOutcomes(all);
  return { ...counts, cost: all.reduce((total, { cost }) => addCounts(total, cost), 0), refusals };
}
