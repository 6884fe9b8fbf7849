import type { AuditEvent } from '../../domain/audit-event.ts';
import { type EventEnvelope, toEnvelope } from '../../domain/events/envelope.ts';
import { type Page, toPage } from '../../domain/page.ts';
import type { DeliveryStatus } from '../../domain/webhook.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findAuditEvents } from '../../stores/postgres/webhooks/audit-events.ts';
import {
  type Delivery,
  listDeliveries as findDeliveries,
} from '../../stores/postgres/webhooks/deliveries.ts';
import { requireWebhook } from './webhook-parts.ts';

/** With the body of its request. */
export type DeliveryView = Delivery & { envelope: EventEnvelope };

/**
 * A page of what was sent to an endpoint, newest event first. Events that wait for their first
 * attempt are not in it. `WEBHOOK_NOT_FOUND`.
 */
export async function listDeliveries(
  { db }: { db: Db },
  webhookId: string,
  request: { status: DeliveryStatus | undefined; limit: number; before: string | undefined },
): Promise<Page<DeliveryView>> {
  await requireWebhook(db, webhookId);
  const { limit } = request;
  const found = await findDeliveries(db, webhookId, { ...request, limit: limit + 1 });
  const page = toPage(found, limit, ({ eventId }) => eventId);
  return { ...page, items: await withEnvelopes(db, page.items) };
}

async function withEnvelopes(db: Db, deliveries: readonly Delivery[]): Promise<DeliveryView[]> {
  const ids = deliveries.map(({ eventId }) => eventId);
  const events = new Map<string, AuditEvent>();
  for (const event of await findAuditEvents(db, ids)) events.set(event.id, event);
  return deliveries.flatMap((delivery) => {
    const event = events.get(delivery.eventId);
    return event === undefined ? [] : [{ ...delivery, envelope: toEnvelope(event) }];
  });
}
