import type { AskedScope } from '../domain/asked-scope.ts';
import { clientAddressHeader } from '../domain/client-address-header.ts';
import { fromSentChange, type SentChange } from '../domain/hub-lines.ts';
import { parseIpAddress } from '../domain/ip-address.ts';
import type { ToldChange } from '../domain/key-change.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { fromSentKeyRecord, type SentKeyRecord } from '../domain/key-record-codec.ts';
import type { KeyRefusal } from '../domain/key-refusal.ts';
import { isSafeRequestId } from '../domain/request-id.ts';
import type { Verdict } from '../domain/verdict.ts';
import type { VerifyRequest } from './api-types.ts';
import { HubStream } from './hub-stream.ts';
import { readVerdict } from './read-verdict.ts';
import type { TraceHeaders } from './trace-headers.ts';
import { type ConnectionOptions, masterKeyCredential, Transport } from './transport.ts';
import type { UsageReport } from './usage-report.ts';

export type Registration = {
  verifier_id: string;
  lease_ms: number;
  applied_seq: number;
  server_time_ms: number;
  master_key_id: string;
  refused_organizations: string[];
  /** A broker of an earlier version tells none. */
  foreign_key_patterns?: string[];
};

export type Beat = { applied_seq: number; acknowledged_seq: number; wait_ms: number };
export type Heard = {
  changes: ToldChange[];
  applied_seq: number;
  has_more: boolean;
  server_time_ms: number;
};

/**
 * `asOfSeq`: feed position at which the record was current; -1 when the broker does not tell, or
 * is of a version that knows no stops. The record is not used then.
 */
export type FoundRecord = { record: KeyRecord; organizationActive: boolean; ageMs: number; asOfSeq: number };

/** The request of an end client that a record is asked for. */
export type AskedFor = {
  trace?: TraceHeaders | undefined;
  ip?: string | undefined;
  requestId?: (() => string) | undefined;
};

type RecordAnswer =
  | { record: null }
  | { record: SentKeyRecord; organization_active: boolean; age_ms: number; as_of_seq?: number };

const verifiersPath = '/v1/flowplate/verifiers';

/** Bounds the return of a lease, which otherwise ends by itself. */
const removeMsMax = 2_000;

export type BrokerOptions = ConnectionOptions & {
  /**
   * Base URL for the next stream, such as of another broker than the last one. Asked before each
   * attempt; `baseUrl` unless set.
   */
  streamBaseUrl?: (() => string) | undefined;
};

/** HTTP calls of an embedded verifier. All are idempotent except `verify`, which spends limits. */
export class Broker {
  readonly #transport: Transport;
  readonly #options: BrokerOptions;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#transport = new Transport(options, masterKeyCredential(options.masterKey));
  }

  register(signal: AbortSignal): Promise<Registration> {
    const body = { lease: 'first_heartbeat' };
    return this.#transport.send({ method: 'POST', path: verifiersPath, body, signal });
  }

  async heartbeat(verifierId: string, body: Beat, timeoutMs: number, signal: AbortSignal): Promise<Heard> {
    const path = `${verifiersPath}/${verifierId}/heartbeat`;
    const call = { method: 'POST', path, body, timeoutMs, signal } as const;
    const answer = await this.#transport.send<Omit<Heard, 'changes'> & { changes: SentChange[] }>(call);
    return { ...answer, changes: answer.changes.map(fromSentChange) };
  }

  /**
   * The stream to a hub; undefined when there is none. None with a `fetch` of the caller's own
   * either, unless the caller says where: what it is for, such as a proxy, a WebSocket would go
   * around.
   */
  async openStream(
    verifierId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<HubStream | undefined> {
    const { baseUrl, masterKey, fetch: ownFetch, streamBaseUrl, traceHeaders } = this.#options;
    if (ownFetch !== undefined && streamBaseUrl === undefined) return undefined;
    const url = `${(streamBaseUrl?.() ?? baseUrl).replace(/^http/, 'ws').replace(/\/+$/, '')}${verifiersPath}/${verifierId}/stream`;
    const headers = { ...traceHeaders?.(), ...masterKeyCredential(masterKey) };
    return HubStream.open({ url, headers, timeoutMs, signal });
  }

  remove(verifierId: string): Promise<void> {
    const path = `${verifiersPath}/${verifierId}`;
    return this.#transport.send({ method: 'DELETE', path, timeoutMs: removeMsMax });
  }

  async findRecord(
    verifierId: string,
    key: string,
    { trace, ip, requestId }: AskedFor = {},
  ): Promise<FoundRecord | undefined> {
    const path = `${verifiersPath}/${verifierId}/records`;
    const address = parseIpAddress(ip);
    const id = requestId?.();
    const headers = {
      ...(isSafeRequestId(id) && { 'x-request-id': id }),
      ...(address !== undefined && { [clientAddressHeader]: address }),
    };
    const call = { method: 'POST', path, body: { key }, headers, trace } as const;
    const answer = await this.#transport.send<RecordAnswer>(call);
    if (answer.record === null) return undefined;
    const {
      record,
      organization_active: organizationActive,
      age_ms: ageMs,
      as_of_seq: toldSeq = -1,
    } = answer;
    const asOfSeq = 'mint_number' in record ? toldSeq : -1;
    return { record: deepFreeze(fromSentKeyRecord(record)), organizationActive, ageMs, asOfSeq };
  }

  reportUsage(verifierId: string, { id, sums }: UsageReport): Promise<void> {
    const path = `${verifiersPath}/${verifierId}/usage`;
    const body = { flush_id: id, sums };
    return this.#transport.send({ method: 'POST', path, body });
  }

  reportRefusals(verifierId: string, refusals: readonly KeyRefusal[]): Promise<void> {
    const path = `${verifiersPath}/${verifierId}/refusals`;
    const sent = refusals.map(({ keyId: key_id, atMs: at_ms, code, requestId: request_id, ip }) => ({
      key_id,
      at_ms,
      code,
      request_id,
      ip,
    }));
    return this.#transport.send({ method: 'POST', path, body: { refusals: sent } });
  }

  reportScopes(verifierId: string, asked: readonly AskedScope[]): Promise<void> {
    const path = `${verifiersPath}/${verifierId}/scopes`;
    const body = {
      asked: asked.flatMap(({ organizationId, scope }) => (scope === null ? [] : [[organizationId, scope]])),
      incomplete: asked.flatMap(({ organizationId, scope }) => (scope === null ? [organizationId] : [])),
    };
    return this.#transport.send({ method: 'POST', path, body });
  }

  async verify(request: VerifyRequest, trace?: TraceHeaders): Promise<Verdict> {
    const path = '/v1/flowplate/api-keys/verify';
    return readVerdict(await this.#transport.send({ method: 'POST', path, body: request, trace }));
  }
}

/**
 * Frozen, since verdicts hand its scopes and metadata out: what a gateway does to them must not
 * change what is decided next.
 */
function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
