import { systemOrigin } from '../../domain/audit-event.ts';
import type { RandomBytes } from '../../domain/clock.ts';
import { revokesNothing } from '../../domain/key-change.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import type { SendWebhook } from '../../domain/webhook.ts';
import type { WebhookDisabledReason } from '../../domain/webhook-retries.ts';
import type { Database } from '../../stores/postgres/database.ts';
import { readServerTime } from '../../stores/postgres/server-time.ts';
import {
  type Lease,
  releaseWebhook,
  type ServedWebhook,
  takeWebhook,
} from '../../stores/postgres/webhooks/serving.ts';
import { disableWebhook } from '../../stores/postgres/webhooks/webhooks.ts';
import { commitAt } from '../change.ts';
import type { RecentEvents } from './recent-events.ts';
import { webhookEvent } from './webhook-parts.ts';
import { type OnAttempt, WebhookTurn } from './webhook-turn.ts';

export type ServeParts = {
  db: Database;
  keyring: Keyring;
  randomBytes: RandomBytes;
  sendWebhook: SendWebhook;
  onAttempt: OnAttempt;
  /** One for the process. */
  recentEvents: RecentEvents;
  /** Whether the process is to end: a turn then ends after the event that it is sending. */
  isStopping(): boolean;
};

/** Longer than an attempt and the statement behind it. A killed worker's endpoint waits so long. */
const leaseMs = 15_000;

/** `more`: the turn is over, and another one is due at once. */
export type Served = 'done' | 'more';

/**
 * One turn of one endpoint: sends what is due, in order, for some seconds at most. Two at once do
 * no harm, since the endpoint's lease lets in one. A turn that is killed sends its last events once
 * more: what was answered is stored after the answer.
 */
export async function serveWebhook(parts: ServeParts, webhookId: string): Promise<Served> {
  const holder = Buffer.from(parts.randomBytes(12)).toString('base64url');
  const lease: Lease = { webhookId, holder, leaseMs };
  const webhook = await takeWebhook(parts.db, lease);
  if (webhook === undefined) return 'done';
  try {
    return await serve(parts, lease, webhook);
  } finally {
    await releaseWebhook(parts.db, lease);
  }
}

async function serve(parts: ServeParts, lease: Lease, webhook: ServedWebhook): Promise<Served> {
  if (webhook.isOrganizationDeleted) return disable(parts, webhook, 'organization_deleted');
  const outcome = await new WebhookTurn(parts, lease, webhook).run();
  return typeof outcome === 'string' ? outcome : disable(parts, webhook, outcome.disable);
}

/** Disabling it without an operator is an event too. */
async function disable(
  parts: ServeParts,
  webhook: ServedWebhook,
  reason: WebhookDisabledReason,
): Promise<Served> {
  const now = await readServerTime(parts.db);
  await commitAt(parts, now, { by: systemOrigin }, async (tx) => {
    const isNews = await disableWebhook(tx, webhook.id, { reason, now });
    const events = isNews ? [webhookEvent('webhook.disabled', webhook, { reason })] : [];
    return { answer: {}, events, revokes: revokesNothing };
  });
  return 'done';
}
