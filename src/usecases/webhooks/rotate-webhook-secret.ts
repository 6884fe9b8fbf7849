import { FlowplateError } from '../../domain/errors.ts';
import type { Idempotency } from '../../domain/idempotency.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { lockWebhook, rotateWebhookSecret as rotate } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import type { Replayed } from '../idempotent.ts';
import type { CreatedWebhook } from './create-webhook.ts';
import { viewWebhooks, type WebhookParts, webhookEvent } from './webhook-parts.ts';
import { newWebhookSecret, sealWebhookSecret } from './webhook-secret.ts';

/**
 * Makes a new secret; only this answer has it. The old one signs too for `overlapSeconds`, so that
 * receivers can move one by one; 0 ends it at once. `WEBHOOK_NOT_FOUND`.
 */
export async function rotateWebhookSecret(
  parts: WebhookParts,
  caller: Caller<PlatformPrincipal>,
  { id, overlapSeconds }: { id: string; overlapSeconds: number },
  idempotency?: Idempotency,
): Promise<Replayed<CreatedWebhook>> {
  return change<CreatedWebhook>(parts, { by: caller, idempotency }, async (tx, now) => {
    const old = await lockWebhook(tx, id);
    if (old === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
    const secret = newWebhookSecret(parts.randomBytes);
    const previousUntil = overlapSeconds === 0 ? null : new Date(now.getTime() + overlapSeconds * 1_000);
    await rotate(tx, id, { secret: sealWebhookSecret(parts.keyring, id, secret), previousUntil, now });
    const [webhook] = await viewWebhooks(tx, [
      { ...old, previousSecretUntil: previousUntil, updatedAt: now },
    ]);
    return {
      answer: { webhook: webhook as CreatedWebhook['webhook'], secret },
      events: [webhookEvent('webhook.secret_rotated', old, { overlap_seconds: overlapSeconds })],
      revokes: revokesNothing,
    };
  });
}
