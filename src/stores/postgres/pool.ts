import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { inTime } from '../../concurrency/deadline.ts';
import { type DatabaseHost, readDatabaseUrl } from '../../domain/database-url.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { parseJson } from '../../domain/read-json.ts';
import type { EndSpan, Tracing } from '../../tracing/tracing.ts';
import { Connector, unsuitableServer } from './connect.ts';
import { isOtherSession, isUnavailable } from './faults.ts';
import type { LeasedServer } from './leased-server.ts';
import { type PoolClient, poolClientOf } from './pool-client.ts';

export type PoolOptions = {
  /** May name several hosts (domain/database-url.ts). */
  databaseUrl: string;
  /**
   * The URL leads to a pooler that gives each transaction another session (PgBouncer's
   * `pool_mode=transaction`): nothing is prepared or set in a session there. Time-outs on the
   * server are then those of the role.
   */
  sharesSessions?: boolean;
  /** Shown in pg_stat_activity, to find a hanging connection. */
  applicationName: string;
  connectionsMax: number;
  /** Bounds the wait for a free connection, and the opening of a new one. */
  connectTimeoutMs: number;
  /** Bounds a statement on the server. The client gives up 100 ms later, for a frozen server. */
  statementTimeoutMs: number;
  /**
   * Bounds the wait for a lock, below the statement's bound so that the two can be distinguished.
   */
  lockTimeoutMs: number;
  /**
   * For statements that look up single rows: disables sequential scans. A plan that was cached
   * while a table was nearly empty would read all of it until the next ANALYZE. Where sessions are
   * shared, no plan is cached.
   */
  looksUpByIndex?: true;
  /** Connections to another server are not used. */
  leasedServer?: LeasedServer;
  tracing?: Tracing | undefined;
};

/** Connections of a pool by state, and callers that wait for one. */
export type PoolOccupancy = { idle: number; busy: number; waiters: number };

export type ObservablePool = PostgresPool & {
  occupancy(): PoolOccupancy;
};

// bigint arrives as a number; beyond 2^53 − 1, possible for sums of usage only, as the largest
// exact one. A date stays text. Names in metadata arrive as stored, which plain `JSON.parse` does
// not guarantee.
const types = {
  getTypeParser: (oid: number, format: 'text' | 'binary' = 'text') => {
    if (oid === pg.types.builtins.INT8) return toSafeInteger;
    if (oid === pg.types.builtins.DATE) return String;
    if (oid === pg.types.builtins.JSONB && format === 'text') return parseJson;
    return format === 'text' ? pg.types.getTypeParser(oid, 'text') : pg.types.getTypeParser(oid, 'binary');
  },
} as pg.CustomTypesConfig;

function toSafeInteger(text: string): number {
  return Math.min(Math.max(Number(text), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/**
 * Fallback time-outs of `pg` itself, above our own deadlines: plain timers fire even if this
 * process is late and the answer has arrived.
 */
const farMs = 2_000;

/**
 * Statements are prepared once per connection: parsing and planning our joins costs more than
 * running them.
 */
const preparedStatementsMax = 200;

/**
 * Connection pool with prepared statements and time-outs. Server errors arrive as
 * `DEPENDENCY_UNAVAILABLE`, constraint violations unchanged.
 */
export function openPool(options: PoolOptions, onError: (error: Error) => void): ObservablePool {
  const connector = new Connector(options.databaseUrl, {
    application_name: options.applicationName,
    connectTimeoutMs: options.connectTimeoutMs,
    keepAlive: true,
    types,
    settings: options.sharesSessions ? undefined : sessionSettings(options),
  });
  const pool = new pg.Pool({
    Client: poolClientOf(connector),
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs + farMs,
    idleTimeoutMillis: 60_000,
  });
  // A broken connection raises on the pool while idle, and on itself while in use. An 'error'
  // without a listener would end the process.
  pool.on('error', onError);
  pool.on('connect', (client) => void client.on('error', onError));
  const names = options.sharesSessions ? undefined : new Map<string, string>();
  const answerMs = options.statementTimeoutMs + 100;
  const startSpan = statementSpans(options);
  return {
    connect: async () => {
      const client = await takeLeased(pool, options).catch(rethrow);
      const { host } = client as unknown as PoolClient;
      const spans = startSpan && ((text: string) => startSpan(host, text));
      return bound(client, { answerMs, names, startSpan: spans }) as unknown as PostgresPoolClient;
    },
    end: () => pool.end(),
    options: {},
    occupancy: () => {
      const { idleCount: idle, totalCount, waitingCount: waiters } = pool;
      return { idle, busy: totalCount - idle, waiters };
    },
  };
}

function sessionSettings(options: PoolOptions): Record<string, string> {
  return {
    statement_timeout: String(options.statementTimeoutMs),
    lock_timeout: String(options.lockTimeoutMs),
    idle_in_transaction_session_timeout: '5000',
    ...(options.looksUpByIndex && { enable_seqscan: 'off' }),
  };
}

/**
 * Ends connections to another server than that of the lease. A new one may be the first to reach a
 * server that was restarted, so a heartbeat decides.
 */
async function takeLeased(pool: pg.Pool, options: PoolOptions): Promise<pg.PoolClient> {
  const { leasedServer, connectTimeoutMs } = options;
  for (;;) {
    const client = await takeClient(pool, connectTimeoutMs);
    const { server, isNew } = client as unknown as PoolClient;
    if (leasedServer === undefined || isLeased(server, leasedServer)) return client;
    if (isNew) await leasedServer.confirm();
    if (isLeased(server, leasedServer)) return client;
    client.release(true);
    if (isNew) throw new Error(`${unsuitableServer} (that of the lease)`);
  }
}

function isLeased(server: string | undefined, { current }: LeasedServer): boolean {
  return server === undefined || current === undefined || server === current;
}

/** A client that arrives late goes back to the pool, because its caller was already refused. */
function takeClient(pool: pg.Pool, ms: number): Promise<pg.PoolClient> {
  const taking = pool.connect();
  return inTime(taking, ms, () => {
    taking.then(
      (client) => client.release(),
      () => undefined,
    );
    return new Error('timeout exceeded when trying to connect');
  });
}

type Bounds = {
  answerMs: number;
  /** Names of prepared statements by their text; absent where nothing is prepared. */
  names: Map<string, string> | undefined;
  startSpan: StartSpan | undefined;
};

function bound(client: pg.PoolClient, { answerMs, names, startSpan }: Bounds) {
  let broken: Error | undefined;
  let isSpent = false;
  return {
    query: async (text: string, values: readonly unknown[]) => {
      // After a time-out the connection is still busy with the old statement; a ROLLBACK would wait
      // as long again.
      if (broken !== undefined) return rethrow(broken);
      const name = names && values.length > 0 ? statementName(text, names) : undefined;
      const query = name === undefined ? { text, values: [...values] } : { name, text, values: [...values] };
      const endSpan = startSpan?.(text);
      try {
        const result = await inTime(client.query(query), answerMs, () => new Error('Query read timeout'));
        endSpan?.();
        return result;
      } catch (error) {
        endSpan?.(error);
        if (isUnavailable(error) && !(error instanceof pg.DatabaseError)) broken = error as Error;
        if (isOtherSession(error)) isSpent = true;
        return rethrow(error);
      }
    },
    release: () => client.release(broken ?? isSpent),
  };
}

type StartSpan = (text: string) => EndSpan | undefined;

function statementSpans({
  tracing,
  databaseUrl,
}: PoolOptions): ((at: DatabaseHost, text: string) => EndSpan | undefined) | undefined {
  if (tracing === undefined) return undefined;
  const { database: namespace } = readDatabaseUrl(databaseUrl);
  return ({ host, port }, text) => tracing.statement({ host, port, namespace }, text);
}

function statementName(text: string, names: Map<string, string>): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= preparedStatementsMax) return known;
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  names.set(text, name);
  return name;
}

function rethrow(error: unknown): never {
  if (!isUnavailable(error)) throw error;
  throw new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage: 'The database cannot answer at the moment',
    retryAfterSeconds: 1,
    cause: error,
  });
}
