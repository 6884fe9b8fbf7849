import { lookup } from 'node:dns/promises';
import { Webhook } from 'standardwebhooks';
import { Agent } from 'undici';
import { redact } from '../domain/redact.ts';
import type { WebhookAnswer, WebhookFault, WebhookMessage } from '../domain/webhook.ts';
import { AnswerReader } from './answer-reader.ts';
import { AddressRefused, type ConnectorOptions, guardedConnector } from './guarded-connector.ts';

/** What is kept of an answer. */
const keptLengthMax = 1_024;

export type SenderOptions = Omit<ConnectorOptions, 'resolve'> &
  Partial<Pick<ConnectorOptions, 'resolve'>> & {
    /** Of one attempt, from looking up the name to the end of the answer; 10 s unless set. */
    attemptMsMax?: number;
  };

/**
 * HTTP client that signs and sends events (Standard Webhooks). It follows no redirect and uses no
 * proxy, whatever the environment says.
 */
export class WebhookSender {
  readonly #agent: Agent;
  readonly #attemptMsMax: number;

  constructor({ resolve = resolveName, attemptMsMax = 10_000, ...options }: SenderOptions) {
    this.#attemptMsMax = attemptMsMax;
    this.#agent = new Agent({
      connect: guardedConnector({ resolve, ...options }),
      allowH2: false,
      pipelining: 1,
      // The reader of the answer has one limit for all.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Never rejects: a fault is an answer too. */
  async send(message: WebhookMessage): Promise<WebhookAnswer> {
    const begunAt = performance.now();
    const answer = await this.#post(message);
    return { ...answer, durationMs: Math.round(performance.now() - begunAt) };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #post({ url, eventId, body, secrets }: WebhookMessage): Promise<Omit<WebhookAnswer, 'durationMs'>> {
    const { origin, pathname, search } = new URL(url);
    const now = new Date();
    const reader = new AnswerReader({ msMax: this.#attemptMsMax, keptBytesMax: keptLengthMax });
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Flowplate-Webhooks/1',
      'webhook-id': eventId,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(eventId, now, body)).join(' '),
    };
    this.#agent.dispatch({ origin, path: pathname + search, method: 'POST', headers, body }, reader);
    const answer = await reader.answer;
    if (answer.status === null) return { status: null, body: null, fault: faultOf(answer.error) };
    return { status: answer.status, body: textOf(answer.start), fault: null };
  }
}

async function resolveName(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** Cut after redaction, which must see a secret as a whole. */
function textOf(start: Buffer): string {
  return start.length === 0 ? '' : redact(printable(start.toString('utf8'))).slice(0, keptLengthMax);
}

/** Postgres refuses NUL in a text, and a lone surrogate in JSON. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced
  return text.toWellFormed().replace(/[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]/g, ' ');
}

const faults: ReadonlyArray<[RegExp, WebhookFault]> = [
  [/^(ENOTFOUND|EAI_\w+)$/, 'name_not_found'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    'connect_failed',
  ],
  [/^(ERR_SSL|ERR_TLS|EPROTO|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_)|_CERT/, 'tls_failed'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|UND_ERR_CLOSED|UND_ERR_DESTROYED)$/, 'connection_lost'],
  [/^(UND_ERR_ABORTED|UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT)$/, 'timed_out'],
];

function faultOf(error: unknown): WebhookFault {
  if (error instanceof AddressRefused) return 'address_refused';
  const { name, code } = error as { name?: string; code?: unknown };
  if (name === 'TimeoutError' || name === 'AbortError') return 'timed_out';
  return faults.find(([pattern]) => pattern.test(String(code)))?.[1] ?? 'invalid_answer';
}
