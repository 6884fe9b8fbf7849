import { FlowplateError } from '../../domain/errors.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { lockWebhook, saveWebhook, type WebhookSettings } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import {
  requireOrganization,
  requireUrl,
  viewWebhook,
  type WebhookParts,
  type WebhookView,
  webhookEvent,
} from './webhook-parts.ts';

/**
 * Changes the named settings of an endpoint. One that is enabled again goes on with the first event
 * that it has not got. `WEBHOOK_NOT_FOUND`; `ORGANIZATION_NOT_FOUND` when it is to be enabled and
 * its organization was deleted.
 */
export async function updateWebhook(
  parts: WebhookParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
  changed: Partial<WebhookSettings>,
): Promise<WebhookView> {
  if (changed.url !== undefined) requireUrl(parts, changed.url);
  await change(parts, { by: caller }, async (tx, now) => {
    const old = await lockWebhook(tx, id);
    if (old === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
    const settings = { ...old, ...changed };
    const isEnabledAgain = settings.enabled && !old.enabled;
    if (isEnabledAgain) await requireOrganization(tx, old.organizationId);
    const isMoved = settings.url !== old.url;
    await saveWebhook(tx, id, { settings, isEnabledAgain, isMoved, now });
    const details = { changed: Object.keys(changed), types: settings.types, enabled: settings.enabled };
    return {
      answer: {},
      events: [webhookEvent('webhook.updated', { ...old, url: settings.url }, details)],
      revokes: revokesNothing,
    };
  });
  return viewWebhook(parts.db, id);
}
