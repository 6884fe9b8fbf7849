import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { deleteWebhook as deleteRow, lockWebhook } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import { type WebhookParts, webhookEvent } from './webhook-parts.ts';

/** Deletes an endpoint with its secret. An attempt that is under way may still arrive. */
export async function deleteWebhook(
  parts: WebhookParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<void> {
  await change(parts, { by: caller }, async (tx) => {
    const webhook = await lockWebhook(tx, id);
    if (webhook === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
    await deleteRow(tx, id);
    return { answer: {}, events: [webhookEvent('webhook.deleted', webhook)], revokes: revokesNothing };
  });
}
