import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

/** Behaviour of an endpoint: answers 204, never answers, cuts the connection, or answers 500. */
export type Mood = 'good' | 'hangs' | 'resets' | 'fails';

/** A request that was answered 204. */
export type Arrival = { eventId: string; atMs: number };

/** Holds a request up long enough for a fault between request and answer. */
const answerMs = 5;

/**
 * Receiver of webhooks with an endpoint for each path, each in a mood of its own. Checks signatures
 * as receivers do, and keeps what was answered 204. It can go away and come back.
 */
export class MoodyReceiver {
  readonly #port: number;
  #server: Server;
  readonly #moods = new Map<string, Mood>();
  readonly #secrets = new Map<string, string>();
  readonly #arrivals = new Map<string, Arrival[]>();
  /** Requests that were not answered 204, by path. */
  readonly #refused = new Map<string, number>();
  /** Requests whose signature or id was wrong. */
  readonly wrong: string[] = [];
  #onRequest: (() => void) | undefined;
  #onAnswer: (() => void) | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    server.on('request', (req, res) => this.#receive(req, res));
  }

  static async start(): Promise<MoodyReceiver> {
    return new MoodyReceiver(await listening(0));
  }

  urlOf(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  know(path: string, secret: string): void {
    this.#secrets.set(path, secret);
    this.#arrivals.set(path, []);
  }

  setMood(path: string, mood: Mood): void {
    this.#moods.set(path, mood);
  }

  arrivals(path: string): readonly Arrival[] {
    return this.#arrivals.get(path) ?? [];
  }

  refused(path: string): number {
    return this.#refused.get(path) ?? 0;
  }

  /** A request has come that is not answered yet. */
  nextRequest(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRequest = resolve;
    });
  }

  /** An answer 204 was sent. */
  nextAnswer(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
  }

  /** Refuses connections, and cuts those that there are. */
  async goAway(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async comeBack(): Promise<void> {
    this.#server = await listening(this.#port);
    this.#server.on('request', (req, res) => this.#receive(req, res));
  }

  #receive(req: IncomingMessage, res: ServerResponse): void {
    // A connection that was cut while its request arrived has delivered nothing.
    this.#answer(req, res).catch(() => req.socket.destroy());
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = req.url ?? '';
    const body = await text(req);
    const mood = this.#moods.get(path) ?? 'good';
    if (mood !== 'good') {
      this.#refused.set(path, this.refused(path) + 1);
      if (mood === 'resets') req.socket.resetAndDestroy();
      if (mood === 'fails') res.writeHead(500).end();
      return;
    }
    const eventId = String(req.headers['webhook-id']);
    if (!this.#isSigned(path, body, req)) this.wrong.push(`${path} ${eventId}`);
    this.#onRequest?.();
    await sleep(answerMs);
    if (res.destroyed) return;
    this.#arrivals.get(path)?.push({ eventId, atMs: Date.now() });
    res.writeHead(204).end(this.#onAnswer);
  }

  #isSigned(path: string, body: string, { headers }: IncomingMessage): boolean {
    try {
      const event = new Webhook(this.#secrets.get(path) ?? '').verify(
        body,
        headers as Record<string, string>,
      ) as { data: { event_id: string } };
      return event.data.event_id === headers['webhook-id'];
    } catch {
      return false;
    }
  }
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ keepAliveTimeout: 60_000 });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
