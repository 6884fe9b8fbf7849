import { z } from 'zod';
import type { ReadParts } from '../../usecases/keys/key-with-usage.ts';
import { getKeyUsage, type KeyUsage } from '../../usecases/usage/get-key-usage.ts';
import { defineRoute } from '../route.ts';
import { keyId, noBody, timestamp, timestampText } from './key-schemas.ts';

const sums = {
  requests: z.int().describe('Accepted verifications'),
  refused: z.int(),
  cost: z.int().describe('Cost that was accepted'),
  refusals: z.record(z.string(), z.int()).describe('Refused verifications by code'),
};

export const getKeyUsageRoute = defineRoute({
  method: 'get',
  path: '/v1/flowplate/api-keys/:key_id/usage',
  operationId: 'getKeyUsage',
  summary: 'Usage of a key over time',
  description:
    'Counted for the key and all keys it was refreshed from or into, readable within ten seconds of the call. The range is widened to whole hours or UTC days; steps without a call are left out.',
  access: 'usage:read',
  params: z.strictObject({ key_id: keyId }),
  query: z.strictObject({
    from: timestamp.optional(),
    to: timestamp.optional(),
    granularity: z.enum(['hour', 'day']).default('hour'),
  }),
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: z.strictObject({
    key_id: keyId,
    granularity: z.enum(['hour', 'day']),
    from: timestampText,
    to: timestampText,
    data: z.array(z.strictObject({ start: timestampText, ...sums })),
    totals: z.strictObject(sums),
  }),
  errors: ['KEY_NOT_FOUND'],
  async handle(parts: ReadParts, { params, query, caller }) {
    const usage = await getKeyUsage(parts, caller.principal, params.key_id, query);
    const steps = Map.groupBy(usage.sums, (sum) => sum.start.getTime());
    return {
      status: 200,
      body: {
        key_id: params.key_id,
        granularity: usage.granularity,
        from: usage.from.toISOString(),
        to: usage.to.toISOString(),
        data: [...steps].map(([start, step]) => ({ start: new Date(start).toISOString(), ...addUp(step) })),
        totals: addUp(usage.sums),
      },
    };
  },
});

function addUp(all: KeyUsage['sums']) {
  const total = { requests: 0, refused: 0, cost: 0, refusals: {} as Record<string, number> };
  for (const { code, calls, cost } of all) {
    total.cost += cost;
    if (code === 'VALID' || code === 'SUPERSEDED') {
      total.requests += calls;
    } else {
      total.refused += calls;
      total.refusals[code] = (total.refusals[code] ?? 0) + calls;
    }
  }
  return total;
}
