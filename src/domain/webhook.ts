import type { WebhookDisabledReason } from './webhook-retries.ts';

/** Each endpoint may have a turn of the worker at the same time, so that none waits for another. */
export const webhooksMax = 100;

/** Subscribes to every type of event. */
export const everyType = '*';

export const webhookUrlLengthMax = 2_000;

/** An endpoint that events are sent to. */
export type Webhook = {
  id: string;
  url: string;
  /** Types of events, or `*`. */
  types: readonly string[];
  /** Only events of this organization; null for all. */
  organizationId: string | null;
  description: string | null;
  enabled: boolean;
  /** Set when the broker itself disabled it. */
  disabledReason: WebhookDisabledReason | null;
  disabledAt: Date | null;
  /** Time of the first failed attempt since the last delivery. */
  failingSince: Date | null;
  lastDeliveredAt: Date | null;
  /** Until then the secret before the last rotation signs too. */
  previousSecretUntil: Date | null;
  /** Events up to this place in the sealed order are delivered, dead, or not subscribed to. */
  position: number;
  createdAt: Date;
  updatedAt: Date;
};

/** `pending`: to be sent, or sent again. `dead`: given up, a dead letter. */
export const deliveryStatuses = ['pending', 'delivered', 'dead'] as const;

export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** Why no answer came. */
export const webhookFaults = [
  'address_refused',
  'name_not_found',
  'connect_failed',
  'tls_failed',
  'connection_lost',
  'timed_out',
  'invalid_answer',
] as const;

export type WebhookFault = (typeof webhookFaults)[number];

/** What an attempt led to. `status` and `body` are null without an answer, `fault` with one. */
export type WebhookAnswer = {
  status: number | null;
  /** The first bytes of the body, redacted. */
  body: string | null;
  fault: WebhookFault | null;
  durationMs: number;
};

export type WebhookMessage = {
  url: string;
  /** `webhook-id`: the event's. */
  eventId: string;
  body: string;
  /** The current secret, and the one before while it rotates. */
  secrets: readonly string[];
};

/** Signs and sends one event. Never rejects: a fault is an answer too. */
export type SendWebhook = (message: WebhookMessage) => Promise<WebhookAnswer>;

export function isDelivered({ status }: WebhookAnswer): boolean {
  return status !== null && status >= 200 && status < 300;
}

/**
 * What is wrong with the address of an endpoint; undefined for a good one. Where the name leads is
 * checked at each connect.
 */
export function findUrlFault(text: string, allowsHttp: boolean): string | undefined {
  if (text.length > webhookUrlLengthMax) return `must have at most ${webhookUrlLengthMax} characters`;
  if (!URL.canParse(text)) return 'must be a URL';
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== 'https:' && protocol !== 'http:') return 'must begin with https://';
  if (protocol === 'http:' && !allowsHttp)
    return 'must begin with https://; http:// is for addresses inside WEBHOOK_INTERNAL_RANGES';
  if (username !== '' || password !== '') return 'must have no user and no password';
  return hash === '' ? undefined : 'must have no fragment';
}
