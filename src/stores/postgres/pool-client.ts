import { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { DatabaseHost } from '../../domain/database-url.ts';
import type { Connected, Connector } from './connect.ts';

/**
 * A pool's client that is connected by a `Connector`. `pg`'s own client has one host for life, and
 * the pool makes a client before it connects. Has the members of a client that `pg-pool` and our
 * pool use (pg-pool/index.js).
 */
export class PoolClient extends EventEmitter {
  /** Set by the pool when the client comes back to it. */
  _poolUseCount?: number;
  readonly #connector: Connector;
  #connected: Connected | undefined;
  #isEnding = false;

  constructor(connector: Connector) {
    super();
    this.#connector = connector;
  }

  get host(): DatabaseHost {
    return this.#known.host;
  }

  /** Which server it is connected to; undefined where sessions are shared. */
  get server(): string | undefined {
    return this.#known.server;
  }

  get isNew(): boolean {
    return this._poolUseCount === undefined;
  }

  connect(callback: (error: Error | null) => void): void {
    this.#connect().then(
      // Out of the promise: what the pool's callers throw is theirs.
      () => process.nextTick(callback, null),
      (error: Error) => process.nextTick(callback, error),
    );
  }

  isConnected(): boolean {
    return this.#connected !== undefined;
  }

  query(query: pg.QueryConfig): Promise<pg.QueryResult> {
    return this.#known.client.query(query);
  }

  end(callback: () => void = () => undefined): void {
    this.#isEnding = true;
    const ended = this.#connected?.client.end() ?? Promise.resolve();
    ended.then(callback, callback);
  }

  /** Whether the connection can take statements. */
  get _queryable(): boolean {
    return (this.#known.client as unknown as { _queryable: boolean })._queryable;
  }

  get _ending(): boolean {
    return this.#isEnding;
  }

  async #connect(): Promise<void> {
    const connected = await this.#connector.connect(() => !this.#isEnding);
    if (this.#isEnding) {
      await connected.client.end();
      throw new Error('Connection terminated');
    }
    this.#connected = connected;
    connected.client.on('error', (error) => this.emit('error', error));
    connected.client.on('end', () => this.emit('end'));
  }

  get #known(): Connected {
    if (this.#connected === undefined) throw new Error('Client was closed and is not queryable');
    return this.#connected;
  }
}

/** The same as a class for `pg.Pool`, which makes its clients itself. */
export function poolClientOf(connector: Connector): new () => pg.ClientBase {
  return class extends PoolClient {
    constructor() {
      super(connector);
    }
  } as unknown as new () => pg.ClientBase;
}
