import { z } from 'zod';
import { numberRanges } from '../../domain/number-ranges.ts';
import { rotateWebhookSecret } from '../../usecases/webhooks/rotate-webhook-secret.ts';
import { platformCaller } from '../access/platform-caller.ts';
import { intIn, noQuery } from '../fields.ts';
import { defineRoute } from '../route.ts';
import { createdWebhook, toCreatedAnswer, webhookId } from './webhook-schemas.ts';

export const rotateWebhookSecretRoute = defineRoute({
  method: 'post',
  path: '/api/v1/platform/webhooks/:id/rotate-secret',
  operationId: 'rotateWebhookSecret',
  summary: 'Give a webhook a new secret',
  description:
    'For `overlap_seconds` requests have two signatures, of the new secret and of the old one, so that receivers can move one by one; 0 ends the old one at once.',
  access: platformCaller('platform:events:manage'),
  params: webhookId,
  query: noQuery,
  body: z.strictObject({ overlap_seconds: intIn(numberRanges.overlapSeconds).default(86_400) }),
  success: { 200: 'Rotated. The new secret is in this answer and nowhere else.' },
  answer: createdWebhook,
  errors: ['WEBHOOK_NOT_FOUND'],
  idempotent: true,
  async handle(parts: Parameters<typeof rotateWebhookSecret>[0], { params, body, caller, idempotency }) {
    const request = { id: params.id, overlapSeconds: body.overlap_seconds };
    const { answer, isReplay } = await rotateWebhookSecret(parts, caller, request, idempotency);
    return {
      status: 200,
      body: toCreatedAnswer(answer),
      ...(isReplay && { headers: { 'Idempotency-Replayed': 'true' } }),
    };
  },
});
