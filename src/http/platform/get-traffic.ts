import { z } from 'zod';
import { getTraffic, type Traffic } from '../../usecases/traffic/get-traffic.ts';
import { operator } from '../access/operator.ts';
import { noBody, noParams, timestampText } from '../flowplate/key-schemas.ts';
import { usageQuery } from '../flowplate/usage-answer.ts';
import { defineRoute } from '../route.ts';

const sums = {
  requests: z.int().describe('Accepted verifications'),
  refused: z.int(),
  refusals: z.record(z.string(), z.int()).describe('Refused verifications by code'),
};

export const getTrafficRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/traffic',
  operationId: 'getTraffic',
  summary: 'Calls and refusals of all keys over time',
  description:
    'The verifications of every key, hidden ones included, readable within ten seconds of the call. The range is widened to whole hours or UTC days, and steps without a call are there with zeros. A text that no key has is counted nowhere.',
  access: operator('platform:keys:read'),
  params: noParams,
  query: usageQuery,
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: z.strictObject({
    granularity: z.enum(['hour', 'day']),
    from: timestampText,
    to: timestampText,
    data: z.array(z.strictObject({ start: timestampText, ...sums })),
    totals: z.strictObject(sums),
  }),
  errors: [],
  async handle(parts: Parameters<typeof getTraffic>[0], { query }) {
    const { granularity, from, to, steps } = await getTraffic(parts, query);
    return {
      status: 200,
      body: {
        granularity,
        from: from.toISOString(),
        to: to.toISOString(),
        data: steps.map(({ start, sums }) => ({ start: start.toISOString(), ...addUp(sums) })),
        totals: addUp(steps.flatMap((step) => step.sums)),
      },
    };
  },
});

function addUp(all: Traffic['steps'][number]['sums']) {
  const total = { requests: 0, refused: 0, refusals: {} as Record<string, number> };
  for (const { code, calls } of all) {
    if (code === 'VALID' || code === 'SUPERSEDED') {
      total.requests += calls;
    } else {
      total.refused += calls;
      total.refusals[code] = (total.refusals[code] ?? 0) + calls;
    }
  }
  return total;
}
