import { createWebhook } from '../../usecases/webhooks/create-webhook.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { noParams, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdWebhook, newWebhookBody, toCreatedAnswer } from './webhook-schemas.ts';

export const createWebhookRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/webhooks',
  operationId: 'createWebhook',
  summary: 'Create a webhook',
  description:
    'An endpoint that events are sent to, signed as Standard Webhooks 1.0 says. It gets the events that are sealed from now on, in order, each at least once. At most 100 can exist.',
  access: platformCaller('platform:events:manage'),
  params: noParams,
  query: noQuery,
  body: newWebhookBody,
  success: { 201: 'Created. The secret is in this answer and nowhere else.' },
  answer: createdWebhook,
  errors: ['ORGANIZATION_NOT_FOUND'],
  idempotent: true,
  async handle(parts: Parameters<typeof createWebhook>[0], { body, caller, idempotency }) {
    const request = {
      url: body.url,
      types: body.types,
      organizationId: body.organization_id ?? null,
      description: body.description ?? null,
      enabled: body.enabled ?? true,
    };
    const { answer, isReplay } = await createWebhook(parts, caller, request, idempotency);
    return {
      status: 201,
      body: toCreatedAnswer(answer),
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});
