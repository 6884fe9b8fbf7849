import { Agent } from 'node:http';
import request, { type Response } from 'supertest';
import { parseJson } from '../../src/domain/read-json.ts';

export type Answer = {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what is not there
  body: any;
};

export type CallOptions = {
  body?: unknown;
  /** Another master key; null for none. */
  as?: string | null;
  headers?: Record<string, string>;
};

export type Call = (operation: string, options?: CallOptions) => Promise<Answer>;

/** Kept connections, as gateways have them: a new one costs more than its request. */
const agent = new Agent({ keepAlive: true });

/** `call('POST /v1/…', { body })` against one server, with one master key by default. */
export function caller(url: string, masterKey: string): Call {
  return async (operation, options = {}) => {
    const [method = 'GET', path = '/'] = operation.split(' ');
    const credential = options.as === undefined ? masterKey : options.as;
    const sent = new request.Test(url, method, path)
      .set({
        ...(credential !== null && { 'x-flowplate-master-key': credential }),
        ...(options.body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      })
      // Bodies are bytes or text already.
      .serialize((body) => body)
      .buffer(true)
      .parse(readText)
      .redirects(5)
      .agent(agent)
      .ok(() => true);
    return toAnswer(await (options.body === undefined ? sent : sent.send(toBody(options.body))));
  };
}

function toAnswer({ status, header, body }: Response): Answer {
  const headers = new Headers(
    Object.entries<string | string[]>(header).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    ),
  );
  const isJson = /[/+]json/.test(headers.get('content-type') ?? '');
  return { status, headers, body: isJson && body !== '' ? parseJson(body) : body };
}

/**
 * The text as it came: a value that superagent has parsed no longer tells how its numbers were
 * written. By events, since superagent unpacks what arrives as `data`.
 */
function readText(response: Response, done: (error: Error | null, text: string) => void): void {
  const stream = response as unknown as NodeJS.ReadableStream;
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  stream.on('end', () => done(null, Buffer.concat(chunks).toString()));
}

function toBody(body: unknown): string | Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}
