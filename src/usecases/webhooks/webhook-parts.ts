import { FlowplateError, validationError } from '../../domain/errors.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { findUrlFault, type SendWebhook, type Webhook } from '../../domain/webhook.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { findOrganization } from '../../stores/postgres/organizations/organizations.ts';
import { findLastSeal, findWebhook } from '../../stores/postgres/webhooks/webhooks.ts';
import type { ChangeParts, EventDraft } from '../change.ts';

export type WebhookParts = ChangeParts & {
  keyring: Keyring;
  /** Whether there are addresses that may be reached over http. */
  allowsHttpWebhooks: boolean;
  sendWebhook: SendWebhook;
};

export type WebhookView = Webhook & {
  /** Sealed events that it has not come to yet, those of other types included. */
  waiting: number;
};

export async function viewWebhooks(db: Db, webhooks: readonly Webhook[]): Promise<WebhookView[]> {
  const last = webhooks.length === 0 ? 0 : await findLastSeal(db);
  return webhooks.map((webhook) => ({ ...webhook, waiting: Math.max(0, last - webhook.position) }));
}

/** `WEBHOOK_NOT_FOUND`. */
export async function requireWebhook(db: Db, id: string): Promise<Webhook> {
  const webhook = await findWebhook(db, id);
  if (webhook === undefined) throw new FlowplateError('WEBHOOK_NOT_FOUND');
  return webhook;
}

/** `WEBHOOK_NOT_FOUND`. */
export async function viewWebhook(db: Db, id: string): Promise<WebhookView> {
  const [view] = await viewWebhooks(db, [await requireWebhook(db, id)]);
  return view as WebhookView;
}

export function requireUrl(
  { allowsHttpWebhooks }: Pick<WebhookParts, 'allowsHttpWebhooks'>,
  url: string,
): void {
  const fault = findUrlFault(url, allowsHttpWebhooks);
  if (fault !== undefined) throw validationError([{ path: 'url', message: fault }]);
}

/** `ORGANIZATION_NOT_FOUND` also for one that was deleted. */
export async function requireOrganization(db: Db, organizationId: string | null): Promise<void> {
  if (organizationId === null) return;
  const organization = await findOrganization(db, organizationId);
  if (organization === undefined || organization.status === 'deleted') {
    throw new FlowplateError('ORGANIZATION_NOT_FOUND');
  }
}

/** The path and the query of an address can be secret, so an event has its origin alone. */
export function webhookEvent(
  eventType: Extract<EventDraft['eventType'], `webhook.${string}`>,
  webhook: Pick<Webhook, 'id' | 'url' | 'organizationId'>,
  details: Record<string, unknown> = {},
): EventDraft {
  return {
    eventType,
    organizationId: null,
    targetId: webhook.id,
    details: {
      origin: new URL(webhook.url).origin,
      ...(webhook.organizationId !== null && { organization_id: webhook.organizationId }),
      ...details,
    },
  };
}
