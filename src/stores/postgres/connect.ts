import pg from 'pg';
import { inTime } from '../../concurrency/deadline.ts';
import { type DatabaseHost, type DatabaseUrl, readDatabaseUrl } from '../../domain/database-url.ts';
import { thisServer } from './leased-server.ts';

/** How long a host that gave no answer in time is tried after all others. */
const avoidedMs = 10_000;

/** The only host of a URL has longer than its caller waits: the connection serves the next one. */
const onlyHostsExtraMs = 2_000;

/** No server of the URL is what `target_session_attrs` wants. */
export const unsuitableServer = 'no server of the URL is suitable';

export type ConnectOptions = Omit<pg.ClientConfig, 'connectionString'> & {
  /** Bounds the attempt at each host. */
  connectTimeoutMs: number;
  /** Settings of the session, by name; absent behind a pooler that shares sessions. */
  settings?: Readonly<Record<string, string>> | undefined;
};

export type Connected = {
  client: pg.Client;
  host: DatabaseHost;
  /** Which server it is (leased-server.ts); undefined where sessions are shared. */
  server: string | undefined;
};

/**
 * Opens connections to the hosts of a database's URL, tried in their order on each connect, as
 * libpq does. With `target_session_attrs` a standby or a read-only server is passed over. One that
 * gave no answer in time, such as a machine that is off, comes last for a while: each attempt at it
 * would cost the whole wait.
 */
export class Connector {
  readonly #url: DatabaseUrl;
  readonly #options: ConnectOptions;
  readonly #avoidedUntilMs = new Map<DatabaseHost, number>();

  constructor(databaseUrl: string, options: ConnectOptions) {
    this.#url = readDatabaseUrl(databaseUrl);
    this.#options = options;
  }

  /**
   * The first host that suits. Rejects with the fault of the last one; `isWanted` is asked before
   * each attempt.
   */
  async connect(isWanted: () => boolean = () => true): Promise<Connected> {
    let fault: unknown = new Error('Connection terminated');
    for (const host of this.#hostsInOrder()) {
      if (!isWanted()) break;
      try {
        return { ...(await this.#connectTo(host)), host };
      } catch (error) {
        fault = error;
      }
    }
    throw fault;
  }

  #hostsInOrder(): readonly DatabaseHost[] {
    const nowMs = performance.now();
    const isAvoided = (host: DatabaseHost) => nowMs < (this.#avoidedUntilMs.get(host) ?? 0);
    const { hosts } = this.#url;
    return [...hosts.filter((host) => !isAvoided(host)), ...hosts.filter(isAvoided)];
  }

  async #connectTo(host: DatabaseHost): Promise<Omit<Connected, 'host'>> {
    const { connectTimeoutMs, settings: _, ...options } = this.#options;
    const isOnly = this.#url.hosts.length === 1;
    const timeoutMs = connectTimeoutMs + (isOnly ? onlyHostsExtraMs : 0);
    // The time-out of `pg` closes the socket of an attempt that was given up.
    const bounds = { connectionString: host.url, connectionTimeoutMillis: timeoutMs + onlyHostsExtraMs };
    const client = new pg.Client({ ...options, ...bounds });
    // An 'error' without a listener would end the process.
    client.on('error', () => undefined);
    const connecting = client.connect().then(() => this.#begin(client));
    try {
      const server = await inTime(connecting, timeoutMs, () => this.#avoid(host));
      return { client, server };
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
  }

  #avoid(host: DatabaseHost): Error {
    this.#avoidedUntilMs.set(host, performance.now() + avoidedMs);
    return new Error('timeout exceeded when trying to connect');
  }

  /**
   * Makes the session what was asked for, in one statement. Statements and not parameters of the
   * start: PgBouncer refuses those, or ignores them where it is told to. Returns which server it
   * is.
   */
  async #begin(client: pg.Client): Promise<string | undefined> {
    const { wants } = this.#url;
    const settings = Object.entries(this.#options.settings ?? {});
    if (settings.length === 0 && wants === 'any') return undefined;
    const sets = settings.map(([name, value]) => `, set_config('${name}', '${value}', false)`).join('');
    const { rows } = await client.query(`SELECT ${thisServer} AS server, pg_is_in_recovery() AS is_standby,
      current_setting('transaction_read_only')::boolean AS is_read_only${sets}`);
    const { server, is_standby: isStandby, is_read_only: isReadOnly } = rows[0];
    const isSuitable = wants === 'any' || !(isStandby || (wants === 'read-write' && isReadOnly));
    if (isSuitable) return settings.length === 0 ? undefined : server;
    throw new Error(`${unsuitableServer} (${wants})`);
  }
}
