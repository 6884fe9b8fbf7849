import { parseJson } from '../domain/read-json.ts';
import { toLineError } from './api-error.ts';
import type { CallOptions } from './client.ts';
import { type FlowplateApiError, FlowplateUnreachableError } from './errors.ts';
import { toBodies } from './mint-in-batches.ts';
import type { Transport } from './transport.ts';
import { pauseBefore } from './transport.ts';

/** A key of another product: its owner, its hash, and the options of a mint (docs/import.md). */
export type ImportRequest = {
  user_id: string;
  organization_id: string;
  algorithm: 'sha256' | 'sha512' | 'hmac-sha256' | 'bcrypt' | 'argon2id';
  hash: string;
  [option: string]: unknown;
};

export type ImportedKey = {
  status: 'imported' | 'unchanged' | 'importable';
  key_id?: string;
  user_id: string;
  organization_id: string;
  environment: string;
};

/** Outcome of the request with this number, from 1: its key, or why it was not imported. */
export type ImportOutcome =
  | { number: number; imported: ImportedKey; error?: never }
  | { number: number; imported?: never; error: FlowplateApiError };

/** `dryRun` writes nothing. */
export type ImportOptions = CallOptions & { dryRun?: boolean };

/** See `FlowplateClient.importKeys`. */
export async function* importInBatches(
  transport: Transport,
  retriesMax: number,
  requests: Iterable<ImportRequest> | AsyncIterable<ImportRequest>,
  { dryRun = false, ...options }: ImportOptions,
): AsyncGenerator<ImportOutcome, void, undefined> {
  let first = 1;
  for await (const lines of toBodies(requests)) {
    let answered = 0;
    for (let retries = 0; answered < lines.length; retries++) {
      try {
        let place = 0;
        const path = `/v1/flowplate/api-keys/import${dryRun ? '?dry_run=true' : ''}`;
        const call = { method: 'POST', path, body: lines.join(''), ...options } as const;
        for await (const text of transport.lines(call)) {
          if (place++ < answered) continue;
          yield toOutcome(first + answered++, text);
        }
        if (answered < lines.length) throw new FlowplateUnreachableError('network');
      } catch (error) {
        const pauseMs = retries < retriesMax ? pauseBefore(error, retries) : undefined;
        if (pauseMs === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
    first += lines.length;
  }
}

function toOutcome(number: number, text: string): ImportOutcome {
  const line = parseJson(text);
  const error = toLineError(line);
  return error === undefined ? { number, imported: line as ImportedKey } : { number, error };
}
