import { parseJson } from '../domain/read-json.ts';
import { answeredLines } from './answered-lines.ts';
import { toLineError } from './api-error.ts';
import type { CallOptions } from './client.ts';
import type { FlowplateApiError } from './errors.ts';
import type { Transport } from './transport.ts';

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
  const path = `/v1/flowplate/api-keys/import${dryRun ? '?dry_run=true' : ''}`;
  const callOf = () => ({ path, ...options });
  for await (const { number, text } of answeredLines(transport, retriesMax, requests, callOf)) {
    const line = parseJson(text);
    const error = toLineError(line);
    yield error === undefined ? { number, imported: line as ImportedKey } : { number, error };
  }
}
