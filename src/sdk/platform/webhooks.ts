import type { CallOptions, SecretOptions } from '../client.ts';
import type {
  DeletedWebhook,
  DeliveryFilter,
  NewWebhook,
  Page,
  PageOf,
  QueuedReplay,
  ReplayRequest,
  Webhook,
  WebhookChanges,
  WebhookDelivery,
  WebhookTest,
  WebhookWithSecret,
} from '../operator-types.ts';
import type { Requests } from './requests.ts';

const webhooksPath = '/api/v1/platform/webhooks';

/** The broker waits 10 s for the endpoint. */
const testMsMax = 20_000;

/** Endpoints that events are sent to. Reading takes `platform:events:read`, all else `…:manage`. */
export class Webhooks {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(page: PageOf = {}, options?: CallOptions): Promise<Page<Webhook>> {
    return this.#requests.readArray(webhooksPath, page, options);
  }

  get(id: string, options?: CallOptions): Promise<Webhook> {
    return this.#requests.read(webhookPath(id), {}, options);
  }

  /** It gets the events from now on. The signing secret is in this answer and nowhere else. */
  create(body: NewWebhook, options: SecretOptions = {}): Promise<WebhookWithSecret> {
    return this.#requests.forSecret(webhooksPath, body, options);
  }

  /** One that is enabled again goes on with the first event that it has not got. */
  update(id: string, changes: WebhookChanges, options?: CallOptions): Promise<Webhook> {
    return this.#requests.change({ method: 'PATCH', path: webhookPath(id), body: changes }, options);
  }

  delete(id: string, options?: CallOptions): Promise<DeletedWebhook> {
    return this.#requests.change({ method: 'DELETE', path: webhookPath(id) }, options);
  }

  /** The old secret signs too during the overlap. */
  rotateSecret(
    id: string,
    body: { overlap_seconds?: number | undefined } = {},
    options: SecretOptions = {},
  ): Promise<WebhookWithSecret> {
    return this.#requests.forSecret(`${webhookPath(id)}/rotate-secret`, body, options);
  }

  /** Sends `webhook.tested` at once, and returns what the endpoint answered. */
  test(id: string, options: CallOptions = {}): Promise<WebhookTest> {
    const path = `${webhookPath(id)}/test`;
    return this.#requests.change({ method: 'POST', path }, { timeoutMs: testMsMax, ...options });
  }

  /** What was sent, newest event first, with request and answer. */
  deliveries(
    id: string,
    filter: DeliveryFilter & PageOf = {},
    options?: CallOptions,
  ): Promise<Page<WebhookDelivery>> {
    return this.#requests.readArray(`${webhookPath(id)}/deliveries`, filter, options);
  }

  /** Sends events again: by their ids, or all of a time. */
  replay(id: string, body: ReplayRequest, options?: CallOptions): Promise<QueuedReplay> {
    return this.#requests.change({ method: 'POST', path: `${webhookPath(id)}/replay`, body }, options);
  }
}

function webhookPath(id: string): string {
  return `${webhooksPath}/${encodeURIComponent(id)}`;
}
