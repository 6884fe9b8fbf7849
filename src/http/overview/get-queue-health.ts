import { z } from 'zod';
import { getQueueHealth } from '../../usecases/overview/get-queue-health.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noParams, noQuery, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';

const moment = z.strictObject({ job: z.string(), at: timestampText });

export const getQueuesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/queues',
  operationId: 'getQueues',
  summary: 'State of the background jobs',
  description:
    'Jobs find their own work, so a lost or late queue only delays it: rolling up usage, sealing the audit log, storing expiries. No decision about a key waits for them. A run that is due for longer than a minute means that no worker is running.',
  access: platformCaller('platform:keys:read'),
  params: noParams,
  query: noQuery,
  body: noBody,
  success: { 200: 'The queue at this moment, or that Redis does not answer.' },
  answer: z.strictObject({
    up: z.boolean().describe('Whether Redis answers'),
    queue: z
      .strictObject({
        waiting: z.int(),
        active: z.int(),
        delayed: z.int().describe('Scheduled runs: one for each job'),
        failed: z.int().describe('Failed runs, of which the newest 500 are kept'),
        oldest_due: moment
          .extend({ seconds: z.int().describe('For how long') })
          .nullable()
          .describe('The longest-due run that no worker has started'),
        last_completed: moment.nullable(),
        last_failed: moment.nullable(),
      })
      .nullable(),
    usage_flushes_waiting: z
      .int()
      .nullable()
      .describe('Usage flushes that are not rolled up yet; each process writes up to four a second'),
  }),
  errors: [],
  async handle(parts: Parameters<typeof getQueueHealth>[0]) {
    const { queue, flushesWaiting } = await getQueueHealth(parts);
    return {
      status: 200,
      body: {
        up: queue !== null && flushesWaiting !== null,
        queue: queue && {
          waiting: queue.waiting,
          active: queue.active,
          delayed: queue.delayed,
          failed: queue.failed,
          oldest_due: queue.oldestDue && {
            job: queue.oldestDue.job,
            at: queue.oldestDue.at.toISOString(),
            seconds: queue.oldestDue.seconds,
          },
          last_completed: toMoment(queue.lastCompleted),
          last_failed: toMoment(queue.lastFailed),
        },
        usage_flushes_waiting: flushesWaiting,
      },
    };
  },
});

function toMoment(moment: { job: string; at: Date } | null) {
  return moment && { job: moment.job, at: moment.at.toISOString() };
}
