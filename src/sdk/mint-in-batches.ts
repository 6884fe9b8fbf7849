import { randomUUID } from 'node:crypto';
import { parseJson } from '../domain/read-json.ts';
import { answeredLines } from './answered-lines.ts';
import { toLineError } from './api-error.ts';
import type { MintedKey, MintRequest } from './api-types.ts';
import type { SecretOptions } from './client.ts';
import type { FlowplateApiError } from './errors.ts';
import type { Transport } from './transport.ts';

/** Outcome of the request with this number, from 1: its key, or why it got none. */
export type MintOutcome =
  | { number: number; minted: MintedKey; error?: never }
  | { number: number; minted?: never; error: FlowplateApiError };

/** See `FlowplateClient.mintKeys`. */
export async function* mintInBatches(
  transport: Transport,
  retriesMax: number,
  requests: Iterable<MintRequest> | AsyncIterable<MintRequest>,
  { idempotencyKey = randomUUID(), ...options }: SecretOptions,
): AsyncGenerator<MintOutcome, void, undefined> {
  const callOf = (first: number) => ({
    path: '/v1/flowplate/api-keys/batch',
    // The key names the first line, so that it fits this body only.
    headers: { 'idempotency-key': `${idempotencyKey} ${first}` },
    ...options,
  });
  for await (const { number, text } of answeredLines(transport, retriesMax, requests, callOf)) {
    const line = parseJson(text);
    const error = toLineError(line);
    yield error === undefined ? { number, minted: line as MintedKey } : { number, error };
  }
}
