import { lookup } from 'node:dns/promises';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { redact } from '../domain/redact.ts';
import type { WebhookAnswer, WebhookFault, WebhookMessage } from '../domain/webhook.ts';
import { AddressRefused, type ConnectorOptions, guardedConnector } from './guarded-connector.ts';

const answerBytesMax = 65_536;
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
      headersTimeout: attemptMsMax,
      bodyTimeout: attemptMsMax,
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
    const now = new Date();
    try {
      const answer = await request(url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Flowplate-Webhooks/1',
          'webhook-id': eventId,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
          'webhook-signature': secrets.map((secret) => sign(secret, eventId, now, body)).join(' '),
        },
        body,
        signal: AbortSignal.timeout(this.#attemptMsMax),
      });
      return { status: answer.statusCode, body: await readStart(answer.body), fault: null };
    } catch (error) {
      return { status: null, body: null, fault: faultOf(error) };
    }
  }
}

async function resolveName(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

function sign(secret: string, eventId: string, at: Date, body: string): string {
  return new Webhook(secret).sign(eventId, at, body);
}

/**
 * The start of the body as text. The status decides, so a body without end, or one that breaks off,
 * costs no delivery: the connection is closed.
 */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  let bytes = 0;
  const kept: Uint8Array[] = [];
  try {
    for await (const chunk of body) {
      if (bytes < keptLengthMax) kept.push(chunk);
      bytes += chunk.length;
      if (bytes > answerBytesMax) break;
    }
  } catch {
    // What came until then is kept.
  }
  // Cut after redaction, which must see a secret as a whole.
  return redact(printable(Buffer.concat(kept).toString('utf8'))).slice(0, keptLengthMax);
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
