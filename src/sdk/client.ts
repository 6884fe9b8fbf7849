import { randomUUID } from 'node:crypto';
import { isReservedWord } from '../domain/ids.ts';
import type { ReleaseReason } from '../domain/release-reason.ts';
import type { Verdict } from '../domain/verdict.ts';
import { refusedId } from './api-error.ts';
import type {
  BulkOrder,
  BulkOrdered,
  BulkPreview,
  ExplainRequest,
  Explanation,
  HygieneFilter,
  HygieneItem,
  HygienePage,
  Introspection,
  Job,
  Key,
  KeyChanges,
  KeyFilter,
  KeyPage,
  KeyRefusal,
  KeyUsage,
  MintedKey,
  MintRequest,
  Owner,
  Refreshed,
  RefreshRequest,
  RevocationReason,
  Revoked,
  UpdatedKey,
  UsageRange,
  VerifyRequest,
} from './api-types.ts';
import {
  type ImportOptions,
  type ImportOutcome,
  type ImportRequest,
  importInBatches,
} from './import-in-batches.ts';
import { type MintOutcome, mintInBatches } from './mint-in-batches.ts';
import { readVerdict, readVerdicts } from './read-verdict.ts';
import { type Call, type ConnectionOptions, masterKeyCredential, Transport } from './transport.ts';

export type ClientOptions = ConnectionOptions & {
  /** Maximum retries of a mint, a refresh or a read; 3 unless set. */
  retriesMax?: number | undefined;
};

export type CallOptions = {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
};

/** `reason`: shown as `revoked_reason`, and kept in the audit log. */
export type RevokeOptions = CallOptions & { reason?: RevocationReason | undefined };

/** `reason`: kept in the audit log. */
export type ReleaseOptions = CallOptions & { reason?: ReleaseReason | undefined };

export type SecretOptions = CallOptions & {
  /**
   * Your own key, to get the same secret again after a crash; random unless set. At most 255
   * characters, 24 hours.
   */
  idempotencyKey?: string | undefined;
};

const keysPath = '/v1/flowplate/api-keys';
const hygienePath = `${keysPath}/hygiene`;
const bulkPath = `${keysPath}/bulk`;
const csv = { accept: 'text/csv, application/json' };
const homes = ['organization', 'environment'] as const;

/**
 * Client of the Flowplate API. Methods reject with `FlowplateApiError` (a refusal),
 * `FlowplateUnreachableError` (no answer), or `RangeError` (a number that JSON cannot express).
 * Mint and refresh are retried under one Idempotency-Key, so that a lost answer costs no second
 * key. Reads are retried; a revoke, a change and a verification are sent once.
 */
export class FlowplateClient {
  readonly #transport: Transport;
  readonly #retriesMax: number;

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options, masterKeyCredential(options.masterKey));
    this.#retriesMax = options.retriesMax ?? 3;
  }

  /**
   * `KEY_ALREADY_EXISTS` (409) with `details.key_id` when the user has an active key in that
   * organization and environment.
   */
  async mint(request: MintRequest, options: SecretOptions = {}): Promise<MintedKey> {
    const call = this.#forSecret({ method: 'POST', path: keysPath, body: request }, options);
    const { body, headers } = await this.#transport.receive(call);
    const created = homes.find((home) => home === headers.get('flowplate-created'));
    return { ...(body as MintedKey), ...(created !== undefined && { created: [created] }) };
  }

  /**
   * Mints many keys, in requests of at most 1,000 lines. Yields one outcome for each, in order, as
   * they are committed. A refusal of one changes nothing for the others. After a broken connection
   * the lines are sent again under the same Idempotency-Key. With your own `idempotencyKey` and
   * the same requests in the same order a later call gives the same secrets.
   */
  mintKeys(
    requests: Iterable<MintRequest> | AsyncIterable<MintRequest>,
    options: SecretOptions = {},
  ): AsyncGenerator<MintOutcome, void, undefined> {
    return mintInBatches(this.#transport, this.#retriesMax, requests, options);
  }

  /**
   * Imports keys of another product by their hashes, in requests of at most 1,000 lines. Yields one
   * outcome for each, in order. The same request again is `unchanged`. Needs `keys:import`.
   */
  importKeys(
    requests: Iterable<ImportRequest> | AsyncIterable<ImportRequest>,
    options: ImportOptions = {},
  ): AsyncGenerator<ImportOutcome, void, undefined> {
    return importInBatches(this.#transport, this.#retriesMax, requests, options);
  }

  /**
   * Replaces the active key. The old one ends at once, or after the grace. With a new end it also
   * renews a key that expired at most 30 days ago. `KEY_NOT_FOUND` (404) without such a key.
   */
  async refresh(owner: Owner, request: RefreshRequest = {}, options: SecretOptions = {}): Promise<Refreshed> {
    const { environment } = owner;
    const body = { ...request, ...(environment !== undefined && { environment }) };
    const path = `${ownerPath(owner)}/refresh`;
    return this.#transport.send(this.#forSecret({ method: 'POST', path, body }, options));
  }

  revoke(keyId: string, { reason, ...options }: RevokeOptions = {}): Promise<Revoked> {
    return this.#transport.send({ method: 'DELETE', path: keyPath(keyId), query: { reason }, ...options });
  }

  /** Revokes every key of the user in the organization, in all environments unless one is named. */
  async revokeOwner(owner: Owner, { reason, ...options }: RevokeOptions = {}): Promise<Revoked> {
    const query = { environment: owner.environment, reason };
    return this.#transport.send({ method: 'DELETE', path: ownerPath(owner), query, ...options });
  }

  revokeUser(userId: string, { reason, ...options }: RevokeOptions = {}): Promise<Revoked> {
    const path = `${keysPath}/user/${encodeURIComponent(userId)}`;
    return this.#transport.send({ method: 'DELETE', path, query: { reason }, ...options });
  }

  /**
   * Ends the quarantine of a key that was reported as leaked, within its hour. Afterwards
   * `KEY_NOT_QUARANTINED` (409); `KEY_ALREADY_EXISTS` (409) when its owner has got another key.
   */
  release(keyId: string, { reason, ...options }: ReleaseOptions = {}): Promise<UpdatedKey> {
    const body = { reason };
    return this.#transport.send({ method: 'POST', path: `${keyPath(keyId)}/release`, body, ...options });
  }

  get(keyId: string, options: CallOptions = {}): Promise<Key> {
    return this.#read(keyPath(keyId), {}, options);
  }

  /** All matching keys, newest first. Fetches page after page as they are consumed. */
  async *list(filter: KeyFilter = {}, options: CallOptions = {}): AsyncGenerator<Key, void, undefined> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.listPage({ ...filter, cursor }, options);
      yield* page.data;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  listPage(
    filter: KeyFilter & { cursor?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<KeyPage> {
    return this.#read(keysPath, filter, options);
  }

  /** Lines of a CSV file with a header: all matching keys, newest first. */
  csv(filter: KeyFilter = {}, options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    return this.#transport.lines({ method: 'GET', path: keysPath, query: filter, headers: csv, ...options });
  }

  /** Active keys that somebody should look at, newest first. Fetches page after page. */
  async *hygiene(
    filter: HygieneFilter = {},
    options: CallOptions = {},
  ): AsyncGenerator<HygieneItem, void, undefined> {
    for (let cursor: string | undefined; ; ) {
      const page = await this.hygienePage({ ...filter, cursor }, options);
      yield* page.data;
      if (page.next_cursor === null) return;
      cursor = page.next_cursor;
    }
  }

  /** A page may have fewer keys than `limit`, or none, and lead to a next one. */
  hygienePage(
    filter: HygieneFilter & { cursor?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<HygienePage> {
    return this.#read(hygienePath, filter, options);
  }

  /** The whole hygiene report as lines of a CSV file with a header. */
  hygieneCsv(filter: HygieneFilter = {}, options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    return this.#transport.lines({
      method: 'GET',
      path: hygienePath,
      query: filter,
      headers: csv,
      ...options,
    });
  }

  /** What an order about many keys would change. Changes nothing. Needs `keys:bulk`. */
  previewBulk(order: BulkOrder, options: CallOptions = {}): Promise<BulkPreview> {
    return this.#ask({ method: 'POST', path: bulkPath, body: { ...order, dry_run: true } }, options);
  }

  /**
   * Carries out what a preview has shown. `SELECTION_CHANGED` (409) when keys came in, or changed,
   * that it did not show. More than 500 keys become a job, unless they can be refused at once.
   */
  orderBulk(order: BulkOrder, confirmToken: string, options: CallOptions = {}): Promise<BulkOrdered> {
    const body = { ...order, confirm_token: confirmToken };
    return this.#transport.send({ method: 'POST', path: bulkPath, body, ...options });
  }

  job(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#read(jobPath(jobId), {}, options);
  }

  /** Ends a job before its next batch. Keys that it has changed stay so. */
  cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#ask({ method: 'POST', path: `${jobPath(jobId)}/cancel`, body: {} }, options);
  }

  update(keyId: string, changes: KeyChanges, options: CallOptions = {}): Promise<UpdatedKey> {
    return this.#transport.send({ method: 'PATCH', path: keyPath(keyId), body: changes, ...options });
  }

  usage(keyId: string, range: UsageRange = {}, options: CallOptions = {}): Promise<KeyUsage> {
    return this.#read(`${keyPath(keyId)}/usage`, range, options);
  }

  /** Verifies a key. Counts the call and spends limits, so it is never retried. */
  async verify(request: VerifyRequest, options: CallOptions = {}): Promise<Verdict> {
    const call: Call = { method: 'POST', path: `${keysPath}/verify`, body: request, ...options };
    return readVerdict(await this.#transport.send(call));
  }

  /**
   * What `verify` would say, with every check. Spends and counts nothing. Needs `keys:explain`
   * besides `keys:verify`.
   */
  explainVerification(request: VerifyRequest, options: CallOptions = {}): Promise<Explanation> {
    const body = { ...request, explain: true };
    return this.#ask({ method: 'POST', path: `${keysPath}/verify`, body }, options);
  }

  /** Every check that these demands would meet, by the key's id. Needs `keys:explain`. */
  explain(keyId: string, request: ExplainRequest = {}, options: CallOptions = {}): Promise<Explanation> {
    return this.#ask({ method: 'POST', path: `${keyPath(keyId)}/explain`, body: request }, options);
  }

  /** The last refusals of a key, at most 20, the newest first. Needs `keys:explain`. */
  async refusals(keyId: string, options: CallOptions = {}): Promise<KeyRefusal[]> {
    const { data } = await this.#read<{ data: KeyRefusal[] }>(`${keyPath(keyId)}/refusals`, {}, options);
    return data;
  }

  /** Verifies up to 100 keys; verdicts in the order of the requests. */
  async verifyBatch(requests: readonly VerifyRequest[], options: CallOptions = {}): Promise<Verdict[]> {
    const body = { keys: requests };
    const path = `${keysPath}/verify/batch`;
    const answer = await this.#transport.send({ method: 'POST', path, body, ...options });
    return readVerdicts(answer, requests.length);
  }

  introspect(token: string, options: CallOptions = {}): Promise<Introspection> {
    const body = new URLSearchParams({ token });
    return this.#transport.send({ method: 'POST', path: '/v1/flowplate/introspect', body, ...options });
  }

  #read<Answer>(path: string, query: Call['query'], options: CallOptions): Promise<Answer> {
    return this.#ask({ method: 'GET', path, query }, options);
  }

  /** Requests that change nothing, and may be sent again. */
  #ask<Answer>(call: Call, options: CallOptions): Promise<Answer> {
    return this.#transport.send({ ...call, retriesMax: this.#retriesMax, ...options });
  }

  #forSecret(call: Call, { idempotencyKey, ...options }: SecretOptions): Call {
    const headers = { 'idempotency-key': idempotencyKey ?? randomUUID() };
    return { ...call, headers, retriesMax: this.#retriesMax, ...options };
  }
}

function jobPath(jobId: string): string {
  return `/v1/flowplate/jobs/${encodeURIComponent(jobId)}`;
}

function keyPath(keyId: string): string {
  return `${keysPath}/${encodeURIComponent(keyId)}`;
}

/** Refuses reserved words: `/api-keys/user/usr_1` is the path of all keys of `usr_1`. */
function ownerPath({ user_id, organization_id }: Owner): string {
  for (const [name, id] of Object.entries({ user_id, organization_id })) {
    if (isReservedWord(id)) throw refusedId(name, 'is a reserved word');
  }
  return `${keysPath}/${encodeURIComponent(user_id)}/${encodeURIComponent(organization_id)}`;
}
