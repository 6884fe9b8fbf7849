import { z } from 'zod';
import { getTraffic } from '../../usecases/overview/get-traffic.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, timestampText } from '../fields.ts';
import { addUpOutcomes, outcomeFields } from '../outcome-sums.ts';
import { defineRoute } from '../route.ts';
import { usageQuery } from '../user-keys/usage-answer.ts';

export const getTrafficRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/traffic',
  operationId: 'getTraffic',
  summary: 'Calls and refusals of all keys over time',
  description:
    'Verifications of every key, hidden ones included, counted within ten seconds. The range is widened to whole hours or UTC days; steps without calls have zeros. Unknown keys are not counted.',
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: usageQuery,
  body: noBody,
  success: { 200: 'The time series and its totals.' },
  answer: z.strictObject({
    granularity: z.enum(['hour', 'day']),
    from: timestampText,
    to: timestampText,
    data: z.array(z.strictObject({ start: timestampText, ...outcomeFields })),
    totals: z.strictObject(outcomeFields),
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
        data: steps.map(({ start, sums }) => ({ start: start.toISOString(), ...addUpOutcomes(sums) })),
        totals: addUpOutcomes(steps.flatMap((step) => step.sums)),
      },
    };
  },
});
