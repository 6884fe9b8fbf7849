import { FlowplateError } from '../../domain/errors.ts';
import type { Webhook } from '../../domain/webhook.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findWebhook } from '../../stores/postgres/webhooks/webhooks.ts';
import { viewWebhooks, type WebhookView } from './webhook-parts.ts';

/** One endpoint, without its secret. `WEBHOOK_NOT_FOUND`. */
export async function getWebhook({ db }: { db: Db }, id: string): Promise<WebhookView> {
  const [view] = await viewWebhooks(db, [await requireWebhook(db, id)]);
  return view as WebhookView;
}

/** `WEBHOOK_NOT_FOUND`. */
export async function requireWebhook(db: Db, id: string): Promise<Webhook> {
  const webhook = await findWebhook(db, id);
  if (webhook === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
  return webhook;
}
