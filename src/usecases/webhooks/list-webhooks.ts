import { type Page, toPage } from '../../domain/page.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listWebhooks as findWebhooks } from '../../stores/postgres/webhooks/webhooks.ts';
import { viewWebhooks, type WebhookView } from './webhook-parts.ts';

/** A page of endpoints, newest first. */
export async function listWebhooks(
  { db }: { db: Db },
  { limit, before }: { limit: number; before: string | undefined },
): Promise<Page<WebhookView>> {
  const page = toPage(await findWebhooks(db, { limit: limit + 1, before }), limit, ({ id }) => id);
  return { ...page, items: await viewWebhooks(db, page.items) };
}
