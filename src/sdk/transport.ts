import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../domain/read-json.ts';
import { refusedId, toApiError, unexpectedAnswer } from './api-error.ts';
import { Deadline } from './deadline.ts';
import { FlowplateApiError, FlowplateUnreachableError } from './errors.ts';
import { readText } from './read-text.ts';
import { splitLines } from './split-lines.ts';
import type { TraceHeaders } from './trace-headers.ts';

export type ConnectionOptions = {
  /** Base URL of Flowplate Keys, such as `https://keys.internal:9123`. */
  baseUrl: string;
  masterKey: string;
  /** Time-out of one attempt, including its answer; 10 s unless set. */
  timeoutMs?: number | undefined;
  /** Replaces Node's own. */
  fetch?: typeof fetch | undefined;
  /**
   * The trace that each request belongs to, as `traceparent` and `tracestate`. With OpenTelemetry:
   * what `propagation.inject(context.active(), headers)` puts into an empty object.
   */
  traceHeaders?: (() => TraceHeaders) | undefined;
};

/** Header with the credential. */
export type Credential = Readonly<Record<string, string>>;

export type Query = Record<string, string | number | boolean | undefined>;

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Query | undefined;
  /** Sent as JSON, as a form for `URLSearchParams`, or as it is for a text of JSON lines. */
  body?: object | URLSearchParams | string | undefined;
  headers?: Record<string, string> | undefined;
  /** The trace that it belongs to, unless the connection's `traceHeaders` says so. */
  trace?: TraceHeaders | undefined;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** Maximum retries; for idempotent calls only. */
  retriesMax?: number | undefined;
};

export type Received = { body: unknown; headers: Headers };

const noSegments: readonly string[] = ['', '.', '..'];
const timeoutMsDefault = 10_000;
const firstPauseMs = 100;
const pauseMsMax = 5_000;

/**
 * HTTP transport: sends requests, reads answers and throws everything that is no success. Never
 * puts a secret into a URL or an error.
 */
export class Transport {
  readonly #options: Omit<ConnectionOptions, 'masterKey'>;
  readonly #credential: Credential;
  readonly #baseUrl: string;

  constructor(options: Omit<ConnectionOptions, 'masterKey'>, credential: Credential) {
    this.#options = options;
    this.#credential = credential;
    this.#baseUrl = new URL(options.baseUrl).href.replace(/\/+$/, '');
  }

  /**
   * Returns the parsed body; undefined when there is none. Retries temporary errors up to
   * `retriesMax` times.
   */
  async send<Answer>(call: Call): Promise<Answer> {
    return (await this.receive(call)).body as Answer;
  }

  /** Like `send`, with the answer's headers. */
  async receive(call: Call): Promise<Received> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#attempt(call);
      } catch (error) {
        const pauseMs = retries < (call.retriesMax ?? 0) ? pauseBefore(error, retries) : undefined;
        if (pauseMs === undefined) throw error;
        await sleep(pauseMs, undefined, { signal: call.signal });
      }
    }
  }

  /** Streams a long answer line by line. The time-out covers its beginning only. */
  async *lines(call: Call): AsyncGenerator<string, void, undefined> {
    const headers = { accept: 'application/x-ndjson, application/json', ...call.headers };
    const request = this.#request({ ...call, headers });
    const deadline = this.#startDeadline(call);
    try {
      const response = await this.#fetch(call, request, deadline);
      deadline.stopTimer();
      if (!response.ok || response.body === null) throw toApiError(response, await readText(response));
      yield* splitLines(response.body, () => unexpectedAnswer(response));
    } catch (error) {
      throw toThrown(error, call, deadline);
    } finally {
      deadline.end();
    }
  }

  async #attempt(call: Call): Promise<Received> {
    const request = this.#request(call);
    call.signal?.throwIfAborted();
    const deadline = this.#startDeadline(call);
    try {
      const response = await this.#fetch(call, request, deadline);
      const text = await readText(response);
      if (!response.ok) throw toApiError(response, text);
      return { body: text === '' ? undefined : parse(response, text), headers: response.headers };
    } catch (error) {
      throw toThrown(error, call, deadline);
    } finally {
      deadline.end();
    }
  }

  #startDeadline(call: Call): Deadline {
    return new Deadline(call.timeoutMs ?? this.#options.timeoutMs ?? timeoutMsDefault, call.signal);
  }

  async #fetch(call: Call, request: RequestInit, { signal }: Deadline): Promise<Response> {
    const { fetch: send = fetch } = this.#options;
    return send(this.#url(call), { ...request, signal });
  }

  /** Refuses an id that changes the path: `fetch` turns `/api-keys/usr_1/..` into `/api-keys/`. */
  #url({ path, query = {} }: Call): string {
    if (
      path
        .slice(1)
        .split('/')
        .some((segment) => noSegments.includes(segment))
    ) {
      throw refusedId('id', 'must not be empty, "." or ".."');
    }
    const set = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    );
    return this.#baseUrl + path + (set.length === 0 ? '' : `?${new URLSearchParams(set)}`);
  }

  #request({ method, body, headers, trace }: Call): RequestInit {
    const isJson = typeof body === 'object' && !(body instanceof URLSearchParams);
    return {
      method,
      // A redirect would send the credential to another address.
      redirect: 'manual',
      headers: {
        ...(this.#options.traceHeaders?.() ?? trace),
        ...this.#credential,
        accept: 'application/json',
        ...(isJson && { 'content-type': 'application/json' }),
        ...(typeof body === 'string' && { 'content-type': 'application/x-ndjson' }),
        ...(body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body !== undefined && { body: isJson ? toJson(body) : String(body) }),
    };
  }
}

/** The caller's own reason when it aborted the call; else there was no answer. */
function toThrown(error: unknown, { signal }: Call, deadline: Deadline): unknown {
  if (error instanceof FlowplateApiError) return error;
  if (signal?.aborted) return signal.reason;
  return new FlowplateUnreachableError(deadline.isOver ? 'timeout' : 'network', error);
}

/**
 * JSON has no infinities and no NaN: `JSON.stringify` writes null for them, and that would be
 * stored. A text without a null needs no look at each value, which takes ten times as long.
 */
export function toJson(body: unknown): string {
  const text = JSON.stringify(body);
  return text.includes('null') ? JSON.stringify(body, finite) : text;
}

function finite(name: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw new RangeError(`JSON has no such number as ${value}, which stands at "${name}"`);
}

export function masterKeyCredential(masterKey: string): Credential {
  return { 'x-flowplate-master-key': masterKey };
}

function parse(response: Response, text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw toApiError(response, text);
  }
}

/** Undefined when a retry cannot help. Jitter spreads the retries of many callers. */
export function pauseBefore(error: unknown, retries: number): number | undefined {
  if (!mayPass(error)) return undefined;
  const told = error instanceof FlowplateApiError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
  const pauseMs = Math.max(told, firstPauseMs * 2 ** retries) * (1 + Math.random() / 4);
  return Math.min(pauseMs, pauseMsMax);
}

function mayPass(error: unknown): boolean {
  if (error instanceof FlowplateUnreachableError) return true;
  if (!(error instanceof FlowplateApiError)) return false;
  if (error.code === 'IDEMPOTENCY_IN_PROGRESS') return true;
  return error.status === 503 && error.retryAfterSeconds !== undefined;
}
