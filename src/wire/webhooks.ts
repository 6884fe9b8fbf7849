import type { Config } from '../config.ts';
import type { SendWebhook } from '../domain/webhook.ts';
import type { Closing } from '../process/closing.ts';
import { WebhookSender } from '../webhooks/webhook-sender.ts';

/** The client that sends events, in the API for tests and in the worker. */
export function wireWebhooks({ config, closing }: { config: Config; closing: Closing }): {
  sendWebhook: SendWebhook;
  allowsHttpWebhooks: boolean;
} {
  const internalRanges = config.WEBHOOK_INTERNAL_RANGES;
  const sender = new WebhookSender({ internalRanges });
  closing.add('webhook sender', () => sender.close());
  return { sendWebhook: (message) => sender.send(message), allowsHttpWebhooks: internalRanges.length > 0 };
}
