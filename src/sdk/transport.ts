import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../domain/read-json.ts';
import { refusedId, toApiError, unexpectedAnswer } from './api-error.ts';
import { Deadline } from './deadline.ts';
import { FlowplateApiError, FlowplateUnreachableError } from './errors.ts';
import { readText } from './read-text.ts';
import { splitLines } from './split-lines.ts';

export type ConnectionOptions = {
  /** Where Flowplate Keys is, such as `https://keys.internal:9123`. */
  baseUrl: string;
  masterKey: string;
  /** For one attempt, the reading of its answer included; 10 s unless set. */
  timeoutMs?: number | undefined;
  /** Instead of Node's own. */
  fetch?: typeof fetch | undefined;
};

/** The header that says who calls. */
export type Credential = Readonly<Record<string, string>>;

export type Query = Record<string, string | number | boolean | undefined>;

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Query | undefined;
  /** Sent as JSON, or as a form when it is one. */
  body?: object | URLSearchParams | undefined;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** How often to try again; only for what may be carried out twice. */
  retriesMax?: number | undefined;
};

export type Received = { body: unknown; headers: Headers };

const noSegments: readonly string[] = ['', '.', '..'];
const timeoutMsDefault = 10_000;
const firstPauseMs = 100;
const pauseMsMax = 5_000;

/**
 * Sends requests and reads answers; everything that is not a success is thrown. Never puts a secret
 * into a URL or an error.
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
   * The parsed body; undefined when the answer has none. Tries again after a fault that may pass,
   * up to `retriesMax` times.
   */
  async send<Answer>(call: Call): Promise<Answer> {
    return (await this.receive(call)).body as Answer;
  }

  /** The same, and the answer's headers. */
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

  /**
   * An answer of any length, line by line as it arrives. The time-out is for its beginning; what
   * stops in the middle is given up by `fetch` itself.
   */
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

  #request({ method, body, headers }: Call): RequestInit {
    const isJson = body !== undefined && !(body instanceof URLSearchParams);
    return {
      method,
      // A redirect would carry the credential to wherever it points.
      redirect: 'manual',
      headers: {
        ...this.#credential,
        accept: 'application/json',
        ...(isJson && { 'content-type': 'application/json' }),
        ...(body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body !== undefined && { body: isJson ? JSON.stringify(body, finite) : String(body) }),
    };
  }
}

/** The caller's own reason when it aborted the call; else there was no answer. */
function toThrown(error: unknown, { signal }: Call, deadline: Deadline): unknown {
  if (error instanceof FlowplateApiError) return error;
  if (signal?.aborted) return signal.reason;
  return new FlowplateUnreachableError(deadline.isOver ? 'timeout' : 'network', error);
}

/** JSON has no other numbers: `JSON.stringify` writes null for them, and that would be stored. */
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

/**
 * Undefined when another try would end the same way. A little chance keeps many callers from coming
 * back at one instant.
 */
function pauseBefore(error: unknown, retries: number): number | undefined {
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
