import { z } from 'zod';
import { idPattern } from '../../domain/ids.ts';
import { replayEvents } from '../../usecases/webhooks/replay-events.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { endTime, noQuery, startTime } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { webhookId } from './webhook-schemas.ts';

const eventsMax = 1_000;

const body = z
  .strictObject({
    event_ids: z
      .array(z.string().regex(idPattern('auditEvent'), 'must be an event id (evt_…)'))
      .min(1)
      .max(eventsMax)
      .optional(),
    from: startTime.optional(),
    to: endTime.optional(),
  })
  .refine(
    ({ event_ids, from, to }) =>
      event_ids === undefined
        ? from !== undefined && to !== undefined
        : from === undefined && to === undefined,
    'must have either event_ids, or from and to',
  );

export const replayEventsRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/webhooks/:id/replay',
  operationId: 'replayWebhookEvents',
  summary: 'Send events to a webhook again',
  description:
    'By their ids, or all that it subscribes to of a time, 10,000 at most, in a time with at most 100,000 events of all types. They have the ids that they had, come in their old order, and neither wait for new events nor hold them up. A dead letter is tried again from the start; an event that waits for its next attempt is tried at once.',
  access: platformCaller('platform:events:manage'),
  params: webhookId,
  query: noQuery,
  body,
  success: { 202: 'Queued.' },
  answer: z.strictObject({ success: z.literal(true), message: z.string(), count: z.int() }),
  errors: ['WEBHOOK_NOT_FOUND'],
  async handle(parts: Parameters<typeof replayEvents>[0], { params, body: asked, caller }) {
    const { event_ids: eventIds, from = new Date(0), to = new Date(0) } = asked;
    const request = eventIds === undefined ? { from, to } : { eventIds: [...new Set(eventIds)] };
    const count = await replayEvents(parts, caller, params.id, request);
    return { status: 202, body: { success: true as const, message: 'Events queued', count } };
  },
});
