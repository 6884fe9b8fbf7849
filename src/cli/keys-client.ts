import type {
  BulkOrder,
  BulkOrdered,
  BulkPreview,
  ExplainRequest,
  Explanation,
  HygieneFilter,
  HygienePage,
  Job,
  Key,
  KeyFilter,
  KeyRefusal,
  KeyUsage,
  Revoked,
  UpdatedKey,
  UsageRange,
} from '../sdk/api-types.ts';
import type { FlowplateClient, ReleaseOptions, RevokeOptions } from '../sdk/client.ts';
import type { FlowplateOperatorClient } from '../sdk/operator-client.ts';
import type { Page, PageOf } from '../sdk/operator-types.ts';

/** Operations on user keys that backends and operators share. */
export type KeysClient = {
  /** Shape of the list in the API, and so of --json. */
  listShape: 'array' | 'page';
  listPage(filter: KeyFilter & PageOf): Promise<Page<Key>>;
  get(keyId: string): Promise<Key>;
  usage(keyId: string, range: UsageRange): Promise<KeyUsage>;
  explain(keyId: string, request: ExplainRequest): Promise<Explanation>;
  refusals(keyId: string): Promise<KeyRefusal[]>;
  csv(filter: KeyFilter): AsyncGenerator<string, void, undefined>;
  hygiene(filter: HygieneFilter & PageOf): Promise<HygienePage>;
  hygieneCsv(filter: HygieneFilter): AsyncGenerator<string, void, undefined>;
  previewBulk(order: BulkOrder): Promise<BulkPreview>;
  orderBulk(order: BulkOrder, confirmToken: string): Promise<BulkOrdered>;
  job(jobId: string): Promise<Job>;
  cancelJob(jobId: string): Promise<Job>;
  revoke(keyId: string, options: RevokeOptions): Promise<Revoked>;
  revokeUser(userId: string, options: RevokeOptions): Promise<Revoked>;
  release(keyId: string, options: ReleaseOptions): Promise<UpdatedKey>;
};

export function masterKeyKeys(client: FlowplateClient): KeysClient {
  return {
    listShape: 'page',
    listPage: (filter) => client.listPage(filter),
    get: (keyId) => client.get(keyId),
    usage: (keyId, range) => client.usage(keyId, range),
    explain: (keyId, request) => client.explain(keyId, request),
    refusals: (keyId) => client.refusals(keyId),
    csv: (filter) => client.csv(filter),
    hygiene: (filter) => client.hygienePage(filter),
    hygieneCsv: (filter) => client.hygieneCsv(filter),
    previewBulk: (order) => client.previewBulk(order),
    orderBulk: (order, token) => client.orderBulk(order, token),
    job: (jobId) => client.job(jobId),
    cancelJob: (jobId) => client.cancelJob(jobId),
    revoke: (keyId, options) => client.revoke(keyId, options),
    revokeUser: (userId, options) => client.revokeUser(userId, options),
    release: (keyId, options) => client.release(keyId, options),
  };
}

export function operatorKeys({ hiddenKeys }: FlowplateOperatorClient): KeysClient {
  return {
    listShape: 'array',
    listPage: (filter) => hiddenKeys.list(filter),
    get: (keyId) => hiddenKeys.get(keyId),
    usage: (keyId, range) => hiddenKeys.usage(keyId, range),
    explain: (keyId, request) => hiddenKeys.explain(keyId, request),
    refusals: (keyId) => hiddenKeys.refusals(keyId),
    csv: (filter) => hiddenKeys.csv(filter),
    hygiene: (filter) => hiddenKeys.hygiene(filter),
    hygieneCsv: (filter) => hiddenKeys.hygieneCsv(filter),
    previewBulk: (order) => hiddenKeys.previewBulk(order),
    orderBulk: (order, token) => hiddenKeys.orderBulk(order, token),
    job: (jobId) => hiddenKeys.job(jobId),
    cancelJob: (jobId) => hiddenKeys.cancelJob(jobId),
    revoke: (keyId, options) => hiddenKeys.revoke(keyId, options),
    revokeUser: (userId, options) => hiddenKeys.revokeUser(userId, options),
    release: (keyId, options) => hiddenKeys.release(keyId, options),
  };
}
