import { z } from 'zod';
import { testWebhook } from '../../usecases/webhooks/test-webhook.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toAnswer, webhookAnswer, webhookId } from './webhook-schemas.ts';

export const testWebhookRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/webhooks/:id/test',
  operationId: 'testWebhook',
  summary: 'Send a test event to a webhook',
  description:
    'Sends the event `webhook.tested` at once, also to a webhook that is disabled or blocked, and waits for the answer, 10 seconds at most. There is no retry.',
  access: platformCaller('platform:events:manage'),
  params: webhookId,
  query: noQuery,
  body: noBody,
  success: { 200: 'Sent. `delivered` says whether it was accepted.' },
  answer: z.strictObject({ event_id: z.string(), delivered: z.boolean(), answer: webhookAnswer }),
  errors: ['WEBHOOK_NOT_FOUND', 'OVERLOADED'],
  async handle(parts: Parameters<typeof testWebhook>[0], { params, caller }) {
    const { eventId, isDelivered, answer } = await testWebhook(parts, caller, params.id);
    return { status: 200, body: { event_id: eventId, delivered: isDelivered, answer: toAnswer(answer) } };
  },
});
