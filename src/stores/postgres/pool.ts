import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { inTime } from '../../concurrency/deadline.ts';
import { FlowplateError } from '../../domain/errors.ts';
import { parseJson } from '../../domain/read-json.ts';
import { isUnavailable } from './faults.ts';

export type PoolOptions = {
  databaseUrl: string;
  /** Shows in pg_stat_activity, for the operator who looks for the one that hangs. */
  applicationName: string;
  connectionsMax: number;
  /** Bounds the wait for a free connection as well as the opening of a new one. */
  connectTimeoutMs: number;
  /**
   * Bounds one statement on the server; the client gives up 100 ms later, for a server that is
   * frozen.
   */
  statementTimeoutMs: number;
  /**
   * Bounds the wait for a lock, below the statement's own bound so that the two can be told apart.
   */
  lockTimeoutMs: number;
  /**
   * Set where statements look single rows up. A prepared plan is kept: one that was made while a
   * table was nearly empty would go on reading all of it, until the server analyzes the table.
   */
  looksUpByIndex?: true;
};

// A bigint arrives as a number; one beyond 2^53 − 1, which only a sum of usage can be, as the
// largest that is exact. A date stays the text that it is. Names in metadata arrive as they were
// stored, which `JSON.parse` alone does not promise.
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
 * The timers of `pg` itself bound only a connection that is being opened, for a host that answers
 * nothing, and come after our own deadlines: they fire too when this process is late and the answer
 * is already there.
 */
const farMs = 2_000;

/**
 * A statement's text is prepared once for each connection: parsing and planning our joins costs
 * more than running them.
 */
const preparedStatementsMax = 200;

/**
 * A pool whose statements are prepared and bounded in time. Faults of the server arrive as
 * `DEPENDENCY_UNAVAILABLE`, broken constraints as they are.
 */
export function openPool(options: PoolOptions, onError: (error: Error) => void): PostgresPool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    application_name: options.applicationName,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs + farMs,
    statement_timeout: options.statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs,
    idle_in_transaction_session_timeout: 5_000,
    idleTimeoutMillis: 60_000,
    ...(options.looksUpByIndex && { options: '-c enable_seqscan=off' }),
    keepAlive: true,
    types,
  });
  // A connection that breaks raises on the pool while it is idle and on itself while it is in use;
  // an 'error' that nobody listens for would end the process.
  pool.on('error', onError);
  pool.on('connect', (client) => void client.on('error', onError));
  const names = new Map<string, string>();
  const answerMs = options.statementTimeoutMs + 100;
  return {
    connect: async () => {
      const client = await takeClient(pool, options.connectTimeoutMs).catch(rethrow);
      return bound(client, answerMs, names) as unknown as PostgresPoolClient;
    },
    end: () => pool.end(),
    options: {},
  };
}

/** A client that comes too late goes back: the caller who wanted it has been refused. */
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

function bound(client: pg.PoolClient, answerMs: number, names: Map<string, string>) {
  let broken: Error | undefined;
  return {
    query: async (text: string, values: readonly unknown[]) => {
      // After a time-out the connection is still busy with the old statement: a ROLLBACK behind it
      // would wait as long again.
      if (broken !== undefined) return rethrow(broken);
      const name = values.length > 0 ? statementName(text, names) : undefined;
      const query = name === undefined ? { text, values: [...values] } : { name, text, values: [...values] };
      try {
        return await inTime(client.query(query), answerMs, () => new Error('Query read timeout'));
      } catch (error) {
        if (isUnavailable(error) && !(error instanceof pg.DatabaseError)) broken = error as Error;
        return rethrow(error);
      }
    },
    release: () => client.release(broken),
  };
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
