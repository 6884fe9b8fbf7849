import type { Bulkhead } from '../../concurrency/bulkhead.ts';
import type { AuditEvent } from '../../domain/audit-event.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Caller, PlatformPrincipal } from '../../domain/principal.ts';
import { isDelivered, type WebhookAnswer } from '../../domain/webhook.ts';
import { listAuditEvents } from '../../stores/postgres/audit/events.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { saveTest } from '../../stores/postgres/webhooks/deliveries.ts';
import { findWebhookSecrets } from '../../stores/postgres/webhooks/webhooks.ts';
import { change } from '../change.ts';
import { eventMessage } from './event-message.ts';
import { requireWebhook, type WebhookParts, webhookEvent } from './webhook-parts.ts';
import { openWebhookSecrets } from './webhook-secret.ts';

export type TestParts = WebhookParts & {
  /** An attempt takes up to 10 s. Few run at once, so that tests cannot use up the process. */
  webhookTests: Bulkhead;
};

export type TestResult = { eventId: string; isDelivered: boolean; answer: WebhookAnswer };

/**
 * Sends the event `webhook.tested` to an endpoint at once, also to one that is disabled, and
 * returns what it answered. There is no retry. `WEBHOOK_NOT_FOUND`; `OVERLOADED` when many tests
 * run.
 */
export function testWebhook(
  parts: TestParts,
  caller: Caller<PlatformPrincipal>,
  id: string,
): Promise<TestResult> {
  return parts.webhookTests.run(async () => {
    await change(parts, { by: caller }, async (tx) => {
      const webhook = await requireWebhook(tx, id);
      return { answer: {}, events: [webhookEvent('webhook.tested', webhook)], revokes: revokesNothing };
    });
    return send(parts, id, await getTestEvent(parts.db, id, caller.requestId));
  });
}

async function send(parts: TestParts, webhookId: string, event: AuditEvent): Promise<TestResult> {
  const { url } = await requireWebhook(parts.db, webhookId);
  const sealed = await findWebhookSecrets(parts.db, webhookId);
  const secrets = sealed === undefined ? [] : openWebhookSecrets(parts.keyring, webhookId, sealed);
  const answer = await parts.sendWebhook({ url, eventId: event.id, body: eventMessage(event), secrets });
  const result = { eventId: event.id, isDelivered: isDelivered(answer), answer };
  await saveTest(parts.db, { ...result, webhookId, at: parts.clock.now() });
  return result;
}

/** The event that the change of this request has just written. */
async function getTestEvent(db: Db, webhookId: string, requestId: string): Promise<AuditEvent> {
  const filter = { eventType: 'webhook.tested', targetId: webhookId, requestId } as const;
  const [event] = await listAuditEvents(db, filter, 1);
  if (event === undefined) throw new Error('The event of a committed change is there');
  return event;
}
