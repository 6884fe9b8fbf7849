import { z } from 'zod';
import { updateWebhook } from '../../usecases/webhooks/update-webhook.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { changedWebhookBody, toWebhookAnswer, webhookFields, webhookId } from './webhook-schemas.ts';

export const updateWebhookRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/platform/webhooks/:id',
  operationId: 'updateWebhook',
  summary: 'Change a webhook',
  description:
    'Only named fields change. One that is enabled again goes on with the first event that it has not got, and tries a failed one at once. Its organization cannot be changed.',
  access: platformCaller('platform:events:manage'),
  params: webhookId,
  query: noQuery,
  body: changedWebhookBody,
  success: { 200: 'Changed.' },
  answer: z.strictObject(webhookFields),
  errors: ['WEBHOOK_NOT_FOUND', 'ORGANIZATION_NOT_FOUND'],
  async handle(parts: Parameters<typeof updateWebhook>[0], { params, body, caller }) {
    const { url, types, description, enabled } = body;
    const changed = {
      ...(url !== undefined && { url }),
      ...(types !== undefined && { types }),
      ...(description !== undefined && { description }),
      ...(enabled !== undefined && { enabled }),
    };
    return { status: 200, body: toWebhookAnswer(await updateWebhook(parts, caller, params.id, changed)) };
  },
});
