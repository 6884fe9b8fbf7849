import { validationError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { newId } from '../../domain/ids.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { type Webhook, webhooksMax } from '../../domain/webhook.ts';
import { findLastSeal, insertWebhook, lockWebhookCount } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import {
  requireOrganization,
  requireUrl,
  type WebhookParts,
  type WebhookView,
  webhookEvent,
} from './webhook-parts.ts';
import { newWebhookSecret, sealWebhookSecret } from './webhook-secret.ts';

export type NewWebhookRequest = Pick<Webhook, 'url' | 'types' | 'organizationId' | 'description' | 'enabled'>;

/** Shown once. */
export type CreatedWebhook = { webhook: WebhookView; secret: string };

/**
 * Creates an endpoint; only this answer has its secret. It gets the events that are sealed from now
 * on. `ORGANIZATION_NOT_FOUND`; `VALIDATION_ERROR` for an address that is refused, and when there
 * are 100 endpoints.
 */
export async function createWebhook(
  parts: WebhookParts,
  caller: Caller<PlatformPrincipal>,
  request: NewWebhookRequest,
  idempotency?: Idempotency,
): Promise<Replayed<CreatedWebhook>> {
  requireUrl(parts, request.url);
  return change<CreatedWebhook>(parts, { by: caller, idempotency }, async (tx, now) => {
    await requireOrganization(tx, request.organizationId);
    if ((await lockWebhookCount(tx)) >= webhooksMax) {
      throw validationError([{ path: '', message: `would make more than ${webhooksMax} webhooks` }]);
    }
    const id = newId('webhook', now, parts.randomBytes);
    const secret = newWebhookSecret(parts.randomBytes);
    const webhook = { ...request, id, position: await findLastSeal(tx), createdAt: now };
    await insertWebhook(tx, { ...webhook, secret: sealWebhookSecret(parts.keyring, id, secret) });
    return {
      answer: { webhook: { ...unused, ...webhook, updatedAt: now }, secret },
      events: [webhookEvent('webhook.created', webhook, { types: webhook.types, enabled: webhook.enabled })],
      revokes: revokesNothing,
    };
  });
}

const unused = {
  disabledReason: null,
  disabledAt: null,
  failingSince: null,
  lastDeliveredAt: null,
  previousSecretUntil: null,
  waiting: 0,
};
