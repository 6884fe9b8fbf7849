import { z } from 'zod';
import { auditEventTypes } from '../../domain/audit-event.ts';
import { idPattern } from '../../domain/ids.ts';
import { deliveryStatuses, everyType, webhookFaults, webhookUrlLengthMax } from '../../domain/webhook.ts';
import type { CreatedWebhook } from '../../usecases/webhooks/create-webhook.ts';
import type { WebhookView } from '../../usecases/webhooks/webhook-parts.ts';
import { externalId, timestampText } from '../fields.ts';

export const webhookId = z.strictObject({
  id: z.string().regex(idPattern('webhook'), 'must be a webhook id (whe_…)'),
});

const descriptionLengthMax = 500;

const types = z.array(z.enum([everyType, ...auditEventTypes]));

const settings = {
  url: z
    .string()
    .min(1)
    .max(webhookUrlLengthMax)
    .describe('An `https` URL. Where it leads is checked at each connect; redirects are not followed'),
  types: types
    .min(1)
    .transform((all) => [...new Set(all)])
    .describe('Types of events, or `*` for all, those of later releases included'),
  description: z.string().max(descriptionLengthMax).nullable().optional(),
  enabled: z.boolean().optional(),
};

export const newWebhookBody = z.strictObject({
  ...settings,
  organization_id: externalId
    .nullable()
    .optional()
    .describe('Only events of this organization; all unless set'),
});

export const changedWebhookBody = z
  .strictObject(settings)
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'must change something');

export const webhookFields = {
  id: z.string().describe('`whe_…`'),
  url: z.string(),
  types,
  organization_id: z.string().nullable().describe('Null: events of all organizations, and of none'),
  description: z.string().nullable(),
  enabled: z.boolean(),
  disabled_reason: z
    .enum(['gone', 'failing', 'organization_deleted'])
    .nullable()
    .describe(
      'Why the broker disabled it: it answered 410, had a week of nothing but failures, or its organization was deleted. Null when an operator did',
    ),
  disabled_at: timestampText.nullable().describe('When the broker disabled it'),
  failing_since: timestampText.nullable().describe('First failure since the last delivery'),
  last_delivered_at: timestampText.nullable(),
  previous_secret_until: timestampText
    .nullable()
    .describe('Until then the secret before the last rotation signs too'),
  waiting_events: z
    .int()
    .describe('Sealed events that it has not come to yet, those of types that it does not get included'),
  created_at: timestampText,
  updated_at: timestampText,
};

export const createdWebhook = z.strictObject({
  ...webhookFields,
  secret: z.string().describe('`whsec_…`, for verifying signatures. It is shown this once.'),
});

export function toWebhookAnswer(webhook: WebhookView) {
  return {
    id: webhook.id,
    url: webhook.url,
    types: webhook.types as Array<z.output<typeof types>[number]>,
    organization_id: webhook.organizationId,
    description: webhook.description,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    disabled_at: textOf(webhook.disabledAt),
    failing_since: textOf(webhook.failingSince),
    last_delivered_at: textOf(webhook.lastDeliveredAt),
    previous_secret_until: textOf(webhook.previousSecretUntil),
    waiting_events: webhook.waiting,
    created_at: textOf(webhook.createdAt) as string,
    updated_at: textOf(webhook.updatedAt) as string,
  };
}

/** In a stored answer of an idempotent request a time is text already. */
export function textOf(time: Date | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}

export function toCreatedAnswer({ webhook, secret }: CreatedWebhook) {
  return { ...toWebhookAnswer(webhook), secret };
}

export const deliveryStatus = z.enum(deliveryStatuses);

export const webhookAnswer = z.strictObject({
  status: z.int().nullable().describe('HTTP status; null when no answer came'),
  body: z.string().nullable().describe('The first 1,024 characters, with secrets redacted'),
  fault: z.enum(webhookFaults).nullable().describe('Why no answer came'),
  duration_ms: z.int(),
});

export function toAnswer({
  durationMs,
  ...answer
}: { durationMs: number } & Omit<z.output<typeof webhookAnswer>, 'duration_ms'>) {
  return { ...answer, duration_ms: durationMs };
}
