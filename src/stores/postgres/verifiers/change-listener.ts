import type pg from 'pg';
import { Connector } from '../connect.ts';
import { keyChangesChannel } from './change-feed.ts';
import { hubProgressChannel } from './hubs.ts';

const reconnectMs = 1_000;

type Listening = {
  /** The feed has grown, with its new end where the notification says so. */
  onChange: (seq: number | undefined) => void;
  /** A hub has reported how far it is. */
  onProgress: () => void;
};

/**
 * Listens for notifications (`LISTEN`). Hints only: the heartbeat reads the feed every second, so a
 * lost connection loses nothing. Anybody with a database connection can send one, so nothing in it
 * is believed.
 */
export class ChangeListener {
  readonly #connector: Connector;
  readonly #listening: Listening;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(databaseUrl: string, listening: Listening) {
    this.#connector = new Connector(databaseUrl, {
      application_name: 'flowplate-listener',
      connectTimeoutMs: 1_000,
      keepAlive: true,
    });
    this.#listening = listening;
  }

  async start(): Promise<void> {
    const client = await this.#connect();
    if (client === undefined) return this.#restart();
    client.on('end', () => this.#restart());
    client.on('notification', ({ channel, payload }) => {
      if (channel === hubProgressChannel) this.#listening.onProgress();
      else this.#listening.onChange(toSeq(payload));
    });
    this.#client = client;
    if (this.#isClosed) return this.close();
    await client
      .query(`LISTEN ${keyChangesChannel}; LISTEN ${hubProgressChannel}`)
      .catch(() => client.end().catch(() => undefined));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  #connect(): Promise<pg.Client | undefined> {
    return this.#connector
      .connect(() => !this.#isClosed)
      .then(
        ({ client }) => client,
        () => undefined,
      );
  }

  #restart(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.start(), reconnectMs);
  }
}

/** Undefined for anything but a position, and for those of the release before. */
function toSeq(payload: string | undefined): number | undefined {
  return payload !== undefined && /^\d{1,15}$/.test(payload) ? Number(payload) : undefined;
}
