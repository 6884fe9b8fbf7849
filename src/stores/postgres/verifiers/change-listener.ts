import pg from 'pg';
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
  readonly #databaseUrl: string;
  readonly #listening: Listening;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(databaseUrl: string, listening: Listening) {
    this.#databaseUrl = databaseUrl;
    this.#listening = listening;
  }

  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: 'flowplate-listener',
      connectionTimeoutMillis: 1_000,
      keepAlive: true,
    });
    client.on('error', () => undefined);
    client.on('end', () => this.#restart());
    client.on('notification', ({ channel, payload }) => {
      if (channel === hubProgressChannel) this.#listening.onProgress();
      else this.#listening.onChange(toSeq(payload));
    });
    this.#client = client;
    await client
      .connect()
      .then(() => client.query(`LISTEN ${keyChangesChannel}; LISTEN ${hubProgressChannel}`))
      .catch(() => client.end().catch(() => undefined));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
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
