import { z } from 'zod';
import { getWebhook } from '../../usecases/webhooks/get-webhook.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { toWebhookAnswer, webhookFields, webhookId } from './webhook-schemas.ts';

export const getWebhookRoute = defineRoute({
  method: 'get',
  path: '/api/v1/platform/webhooks/:id',
  operationId: 'getWebhook',
  summary: 'Look at one webhook',
  description: 'Its settings and how it is doing; never its secret.',
  access: platformCaller('platform:events:read'),
  params: webhookId,
  query: noQuery,
  body: noBody,
  success: { 200: 'The webhook.' },
  answer: z.strictObject(webhookFields),
  errors: ['WEBHOOK_NOT_FOUND'],
  async handle(parts: Parameters<typeof getWebhook>[0], { params }) {
    return { status: 200, body: toWebhookAnswer(await getWebhook(parts, params.id)) };
  },
});
