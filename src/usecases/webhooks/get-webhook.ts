import type { Db } from '../../stores/postgres/database.ts';
import { viewWebhook, type WebhookView } from './webhook-parts.ts';

/** One endpoint, without its secret. `WEBHOOK_NOT_FOUND`. */
export function getWebhook({ db }: { db: Db }, id: string): Promise<WebhookView> {
  return viewWebhook(db, id);
}
