import { randomUUID } from 'node:crypto';
import type { CallOptions, SecretOptions } from '../client.ts';
import { nextCursor } from '../next-cursor.ts';
import type { Page } from '../operator-types.ts';
import type { Call, Query, Transport } from '../transport.ts';

type Change = Pick<Call, 'method' | 'path' | 'query' | 'body' | 'headers'>;

/**
 * Retry rules of the operators' client: reads and calls with an Idempotency-Key are retried, other
 * changes are sent once.
 */
export class Requests {
  readonly #transport: Transport;
  readonly #retriesMax: number;

  constructor(transport: Transport, retriesMax: number) {
    this.#transport = transport;
    this.#retriesMax = retriesMax;
  }

  read<Answer>(path: string, query: Query = {}, options: CallOptions = {}): Promise<Answer> {
    return this.#transport.send({ method: 'GET', path, query, retriesMax: this.#retriesMax, ...options });
  }

  /** A page that the API returns as a bare array, with the next cursor in `Link`. */
  async readArray<Item>(path: string, query: Query, options: CallOptions = {}): Promise<Page<Item>> {
    return (await this.receiveArray<Item>(path, query, options)).page;
  }

  /** The same with the headers of the answer. */
  async receiveArray<Item>(
    path: string,
    query: Query,
    options: CallOptions = {},
  ): Promise<{ page: Page<Item>; headers: Headers }> {
    const call: Call = { method: 'GET', path, query, retriesMax: this.#retriesMax, ...options };
    const { body, headers } = await this.#transport.receive(call);
    return { page: { data: body as Item[], next_cursor: nextCursor(headers.get('link')) }, headers };
  }

  change<Answer>(change: Change, options: CallOptions = {}): Promise<Answer> {
    return this.#transport.send({ ...change, ...options });
  }

  /** Retried under the same Idempotency-Key, so that a lost answer is repeated. */
  forSecret<Answer>(
    path: string,
    body: object,
    { idempotencyKey, ...options }: SecretOptions,
  ): Promise<Answer> {
    const headers = { 'idempotency-key': idempotencyKey ?? randomUUID() };
    const retriesMax = this.#retriesMax;
    return this.#transport.send({ method: 'POST', path, body, headers, retriesMax, ...options });
  }

  lines(
    path: string,
    query: Query,
    options: CallOptions & Pick<Call, 'headers'> = {},
  ): AsyncGenerator<string, void, undefined> {
    return this.#transport.lines({ method: 'GET', path, query, ...options });
  }
}
