import { z } from 'zod';
import { type DeliveryView, listDeliveries } from '../../usecases/webhooks/list-deliveries.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { cursorOf, nextPage, pageLimit, toCursor } from '../cursor.ts';
import { noBody, timestampText } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { deliveryStatus, textOf, toAnswer, webhookAnswer, webhookId } from './webhook-schemas.ts';

const delivery = z.strictObject({
  event_id: z.string().describe('`evt_…`, the `webhook-id` of each attempt'),
  type: z.string(),
  status: deliveryStatus.describe(
    '`pending`: it is sent again. `dead`: given up after the last retry; replay it when the receiver is well',
  ),
  is_replay: z.boolean(),
  attempts: z.int().describe('Since it was last queued'),
  next_attempt_at: timestampText.nullable(),
  last_attempt_at: timestampText.nullable(),
  request: z.strictObject({
    headers: z.record(z.string(), z.string()).describe('Without the signature'),
    body: z.record(z.string(), z.unknown()).describe('The event'),
  }),
  answer: webhookAnswer.nullable().describe('Of the last attempt; null before the first'),
});

export const listDeliveriesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/webhooks/:id/deliveries',
  operationId: 'listWebhookDeliveries',
  summary: 'List what was sent to a webhook',
  description:
    'With request and answer, the newest event first, for `WEBHOOK_DELIVERIES_DAYS` days. Events that wait for their first attempt are not in it; `waiting_events` of the webhook counts them. The next page is in `Link`.',
  access: platformCaller('platform:events:read'),
  params: webhookId,
  query: z.strictObject({
    status: deliveryStatus.optional(),
    limit: pageLimit,
    cursor: cursorOf('auditEvent').optional(),
  }),
  body: noBody,
  success: { 200: 'A page of deliveries.' },
  answer: z.array(delivery),
  errors: ['WEBHOOK_NOT_FOUND'],
  async handle(parts: Parameters<typeof listDeliveries>[0], { params, query: { cursor, ...narrowed } }) {
    const request = { status: narrowed.status, limit: narrowed.limit, before: cursor };
    const { items, next } = await listDeliveries(parts, params.id, request);
    return {
      status: 200,
      body: items.map(toDelivery),
      ...nextPage(`/api/v1/platform/webhooks/${params.id}/deliveries`, narrowed, next && toCursor(next)),
    };
  },
});

function toDelivery({ envelope, ...one }: DeliveryView) {
  return {
    event_id: one.eventId,
    type: envelope.type,
    status: one.status,
    is_replay: one.isReplay,
    attempts: one.attempts,
    next_attempt_at: textOf(one.nextAttemptAt),
    last_attempt_at: textOf(one.lastAttemptAt),
    request: { headers: headersOf(one), body: envelope },
    answer: one.answer && toAnswer(one.answer),
  };
}

function headersOf({
  eventId,
  lastAttemptAt,
}: Pick<DeliveryView, 'eventId' | 'lastAttemptAt'>): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': eventId,
    ...(lastAttemptAt !== null && {
      'webhook-timestamp': String(Math.floor(lastAttemptAt.getTime() / 1_000)),
    }),
  };
}
