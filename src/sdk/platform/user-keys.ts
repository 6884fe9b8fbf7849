import type {
  BulkOrder,
  BulkOrdered,
  BulkPreview,
  ExplainRequest,
  Explanation,
  HygieneFilter,
  HygieneItem,
  HygienePage,
  Job,
  Key,
  KeyRefusal,
  KeyUsage,
  Revoked,
  UpdatedKey,
  UsageRange,
} from '../api-types.ts';
import type { CallOptions, ReleaseOptions, RevokeOptions } from '../client.ts';
import type { HiddenKeyFilter, Page, PageOf } from '../operator-types.ts';
import type { Requests } from './requests.ts';

const hiddenKeysPath = '/api/v1/platform/hidden-keys';
const hygienePath = `${hiddenKeysPath}/hygiene`;
const csv = { accept: 'text/csv, application/json' };
const bulkPath = `${hiddenKeysPath}/bulk`;

/** Hidden keys of users. Backends mint them; operators list and revoke them. */
export class HiddenKeys {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(filter: HiddenKeyFilter & PageOf = {}, options?: CallOptions): Promise<Page<Key>> {
    return this.#requests.readArray(hiddenKeysPath, filter, options);
  }

  get(keyId: string, options?: CallOptions): Promise<Key> {
    return this.#requests.read(keyPath(keyId), {}, options);
  }

  usage(keyId: string, range: UsageRange = {}, options?: CallOptions): Promise<KeyUsage> {
    return this.#requests.read(`${keyPath(keyId)}/usage`, range, options);
  }

  /** Every check that a verification with these demands would make. Spends and counts nothing. */
  explain(keyId: string, request: ExplainRequest = {}, options?: CallOptions): Promise<Explanation> {
    return this.#requests.change(
      { method: 'POST', path: `${keyPath(keyId)}/explain`, body: request },
      options,
    );
  }

  /** Its last refusals, at most 20, the newest first. */
  refusals(keyId: string, options?: CallOptions): Promise<KeyRefusal[]> {
    return this.#requests.read(`${keyPath(keyId)}/refusals`, {}, options);
  }

  /** The refusals with the `trace_id` that an end client was told. */
  findRefusals(requestId: string, options?: CallOptions): Promise<(KeyRefusal & { key_id: string })[]> {
    return this.#requests.read('/api/v1/platform/refusals', { request_id: requestId }, options);
  }

  /** Lines of a CSV file with a header: all matching keys, newest first. */
  csv(filter: HiddenKeyFilter = {}, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#requests.lines(hiddenKeysPath, filter, { ...options, headers: csv });
  }

  /** Active keys that somebody should look at. A page may have fewer than `limit`, or none. */
  async hygiene(filter: HygieneFilter & PageOf = {}, options?: CallOptions): Promise<HygienePage> {
    const { page, headers } = await this.#requests.receiveArray<HygieneItem>(hygienePath, filter, options);
    return { ...page, scopes_recorded_since: headers.get('x-flowplate-scopes-recorded-since') };
  }

  /** The whole hygiene report as lines of a CSV file with a header. */
  hygieneCsv(filter: HygieneFilter = {}, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#requests.lines(hygienePath, filter, { ...options, headers: csv });
  }

  /** What an order about many keys would change. Changes nothing. */
  previewBulk(order: BulkOrder, options?: CallOptions): Promise<BulkPreview> {
    return this.#requests.change(
      { method: 'POST', path: bulkPath, body: { ...order, dry_run: true } },
      options,
    );
  }

  /**
   * Carries out what a preview has shown. `SELECTION_CHANGED` (409) when keys came in, or changed,
   * that it did not show. More than 500 keys become a job, unless they can be refused at once.
   */
  orderBulk(order: BulkOrder, confirmToken: string, options?: CallOptions): Promise<BulkOrdered> {
    const body = { ...order, confirm_token: confirmToken };
    return this.#requests.change({ method: 'POST', path: bulkPath, body }, options);
  }

  job(jobId: string, options?: CallOptions): Promise<Job> {
    return this.#requests.read(jobPath(jobId), {}, options);
  }

  /** Ends a job before its next batch. Keys that it has changed stay so. */
  cancelJob(jobId: string, options?: CallOptions): Promise<Job> {
    return this.#requests.change({ method: 'POST', path: `${jobPath(jobId)}/cancel`, body: {} }, options);
  }

  /** Ends the quarantine of a key that was reported as leaked, within its hour. */
  release(keyId: string, { reason, ...options }: ReleaseOptions = {}): Promise<UpdatedKey> {
    const path = `${keyPath(keyId)}/release`;
    return this.#requests.change({ method: 'POST', path, body: { reason } }, options);
  }

  revoke(keyId: string, { reason, ...options }: RevokeOptions = {}): Promise<Revoked> {
    return this.#requests.change({ method: 'DELETE', path: keyPath(keyId), query: { reason } }, options);
  }

  /** Every key of the user, in every organization. */
  revokeUser(userId: string, { reason, ...options }: RevokeOptions = {}): Promise<Revoked> {
    const path = `${hiddenKeysPath}/user/${encodeURIComponent(userId)}`;
    return this.#requests.change({ method: 'DELETE', path, query: { reason } }, options);
  }
}

function jobPath(jobId: string): string {
  return `/api/v1/platform/jobs/${encodeURIComponent(jobId)}`;
}

function keyPath(keyId: string): string {
  return `${hiddenKeysPath}/${encodeURIComponent(keyId)}`;
}
