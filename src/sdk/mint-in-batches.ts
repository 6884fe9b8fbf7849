import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../domain/read-json.ts';
import { toLineError } from './api-error.ts';
import type { MintedKey, MintRequest } from './api-types.ts';
import type { SecretOptions } from './client.ts';
import { type FlowplateApiError, FlowplateUnreachableError } from './errors.ts';
import { pauseBefore, type Transport, toJson } from './transport.ts';

/** Outcome of the request with this number, from 1: its key, or why it got none. */
export type MintOutcome =
  | { number: number; minted: MintedKey; error?: never }
  | { number: number; minted?: never; error: FlowplateApiError };

/** Few enough to be repeated after a broken connection. */
const linesMax = 1_000;
/** Half of what the API takes. */
const lengthMax = 4 * 1024 * 1024;

/** See `FlowplateClient.mintKeys`. The bodies are the same for the same requests. */
export async function* mintInBatches(
  transport: Transport,
  retriesMax: number,
  requests: Iterable<MintRequest> | AsyncIterable<MintRequest>,
  { idempotencyKey = randomUUID(), ...options }: SecretOptions,
): AsyncGenerator<MintOutcome, void, undefined> {
  let first = 1;
  for await (const lines of toBodies(requests)) {
    // The key names the first line, so that it fits this body only.
    const headers = { 'idempotency-key': `${idempotencyKey} ${first}` };
    let answered = 0;
    for (let retries = 0; answered < lines.length; retries++) {
      try {
        let place = 0;
        const body = lines.join('');
        const path = '/v1/flowplate/api-keys/batch';
        for await (const text of transport.lines({ method: 'POST', path, body, headers, ...options })) {
          if (place++ < answered) continue;
          yield toOutcome(first + answered++, text);
        }
        if (answered < lines.length) throw new FlowplateUnreachableError('network');
      } catch (error) {
        const pauseMs = retries < retriesMax ? pauseBefore(error, retries) : undefined;
        if (pauseMs === undefined) throw error;
        await sleep(pauseMs, undefined, { signal: options.signal });
      }
    }
    first += lines.length;
  }
}

function toOutcome(number: number, text: string): MintOutcome {
  const line = parseJson(text);
  const error = toLineError(line);
  return error === undefined ? { number, minted: line as MintedKey } : { number, error };
}

export async function* toBodies(
  requests: Iterable<object> | AsyncIterable<object>,
): AsyncGenerator<string[], void, undefined> {
  let lines: string[] = [];
  let length = 0;
  for await (const request of requests) {
    const line = `${toJson(request)}\n`;
    if (lines.length === linesMax || (lines.length > 0 && length + line.length > lengthMax)) {
      yield lines;
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  if (lines.length > 0) yield lines;
}
