import { z } from 'zod';
import { deleteWebhook } from '../../usecases/webhooks/delete-webhook.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noBody, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { webhookId } from './webhook-schemas.ts';

export const deleteWebhookRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/platform/webhooks/:id',
  operationId: 'deleteWebhook',
  summary: 'Delete a webhook',
  description:
    'With its secret, its deliveries and its dead letters. An attempt that is under way may still arrive.',
  access: platformCaller('platform:events:manage'),
  params: webhookId,
  query: noQuery,
  body: noBody,
  success: { 200: 'Deleted.' },
  answer: z.strictObject({ success: z.literal(true), message: z.string() }),
  errors: ['WEBHOOK_NOT_FOUND'],
  async handle(parts: Parameters<typeof deleteWebhook>[0], { params, caller }) {
    await deleteWebhook(parts, caller, params.id);
    return { status: 200, body: { success: true as const, message: 'Webhook deleted' } };
  },
});
