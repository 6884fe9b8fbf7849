import { setTimeout as sleep } from 'node:timers/promises';
import { isVerifiable } from '../domain/key-format.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { numberRanges } from '../domain/number-ranges.ts';
import { isAccepted, type Verdict } from '../domain/verdict.ts';
import { RefusedOrganizations } from '../revocation/refused-organizations.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../revocation/remembered-revisions.ts';
import { VerifierMemory } from '../revocation/verifier-memory.ts';
import { verdictOf } from '../verify/accepted-verdict.ts';
import { decide } from '../verify/decide.ts';
import { fingerprintOf } from '../verify/fingerprint-table.ts';
import { type CacheEntry, RecordCache } from '../verify/record-cache.ts';
import { UsageRecorder } from '../verify/usage-recorder.ts';
import type { VerifyRequest } from './api-types.ts';
import { Broker } from './broker.ts';
import { BrokerClock } from './broker-clock.ts';
import { BrokerLease } from './broker-lease.ts';
import { BrokerRecords, type FetchedRecord, type LookupContext } from './broker-records.ts';
import { FlowplateUndecidedError } from './errors.ts';
import type { TraceHeaders } from './trace-headers.ts';
import type { ConnectionOptions } from './transport.ts';
import { deliverUsage } from './usage-delivery.ts';

export type VerifierOptions = ConnectionOptions & {
  /** Maximum key records in memory, about 1 KB each; 200,000 unless set. */
  recordsInMemoryMax?: number | undefined;
  /**
   * Called for each background error, such as a failed heartbeat or rejected usage. Errors never
   * contain a secret.
   */
  onFault?: ((error: unknown) => void) | undefined;
};

const recordsMax = 10_000_000;

/**
 * Pauses before a stale record is fetched again. A healthy broker process receives a change within
 * milliseconds.
 */
const stalePausesMs: readonly number[] = [5, 20, 80, 300, 700];

/**
 * Embedded verifier: verifies keys inside a gateway's process, from memory, with Flowplate's own
 * guarantee: once a revoke has answered `complete`, no later request is admitted. It needs a lease
 * (`BrokerLease`). Without one the broker verifies, and without the broker the request is refused.
 * Keys with a rate limit or a quota are always verified by the broker, which counts them exactly.
 * Local decisions are counted, and reported every 250 ms.
 */
export class FlowplateVerifier {
  readonly #broker: Broker;
  readonly #clock = new BrokerClock();
  readonly #revisions = new RememberedRevisions({
    retentionMs: revisionMemoryMs,
    changesMax: changesRememberedMax,
  });
  readonly #refused = new RefusedOrganizations();
  readonly #memory: RecordCache<KeyRecord>;
  readonly #records: BrokerRecords;
  readonly #lease: BrokerLease;
  readonly #usage: UsageRecorder;
  readonly #onFault: (error: unknown) => void;

  constructor(options: VerifierOptions) {
    const { recordsInMemoryMax = 200_000, onFault = () => undefined, ...connection } = options;
    requireCapacity(recordsInMemoryMax);
    this.#onFault = onFault;
    this.#broker = new Broker(connection);
    this.#memory = new RecordCache(this.#revisions, recordsInMemoryMax);
    this.#records = new BrokerRecords(this.#broker, (...fetched) => this.#remember(...fetched));
    const memory = new VerifierMemory({
      revisions: this.#revisions,
      refusedOrganizations: this.#refused,
      caches: [this.#memory],
    });
    this.#lease = new BrokerLease({ broker: this.#broker, clock: this.#clock, memory, onFault });
    this.#usage = new UsageRecorder(
      (flush) => deliverUsage({ broker: this.#broker, verifierId: this.#lease.verifierId, onFault }, flush),
      onFault,
    );
  }

  /**
   * Takes the lease, or keeps trying in the background. Rejects only when the broker refuses the
   * master key.
   */
  async start(): Promise<void> {
    await this.#lease.start();
    this.#usage.start();
  }

  /** Delivers the usage and returns the lease. */
  async close(): Promise<void> {
    await this.#lease.stop(() => this.#usage.close().catch(this.#onFault));
  }

  isLeaseHeld(): boolean {
    return this.#lease.isHeldAt(performance.now());
  }

  /** The broker's time, Unix milliseconds. */
  nowMs(): number {
    return this.#clock.at(performance.now());
  }

  /**
   * The verdict if memory has it; undefined when the broker must be asked (`verify`). Throws a
   * `RangeError` for an invalid cost.
   */
  verifyNow(request: VerifyRequest): Verdict | undefined {
    if (request.cost !== undefined) requireCountable(request.cost);
    const monotonicMs = performance.now();
    const entry = this.#lease.isHeldAt(monotonicMs)
      ? this.#memory.find(fingerprintOf(request.key), monotonicMs)
      : undefined;
    if (entry !== undefined) return this.#judge(entry, request, true, monotonicMs);
    return isVerifiable(request.key) ? undefined : { valid: false, code: 'MALFORMED' };
  }

  /**
   * The verdict. Rejects with a `FlowplateUndecidedError` when there is none; then refuse the
   * request. `trace` goes to the broker where it is asked, unless the options have `traceHeaders`.
   */
  verify(request: VerifyRequest, trace?: TraceHeaders): Promise<Verdict> {
    try {
      const verdict = this.verifyNow(request);
      return verdict === undefined ? this.#ask(request, trace) : Promise.resolve(verdict);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #ask(request: VerifyRequest, trace: TraceHeaders | undefined): Promise<Verdict> {
    try {
      return await this.#lookUp(request, trace);
    } catch (error) {
      throw error instanceof FlowplateUndecidedError ? error : new FlowplateUndecidedError(error);
    }
  }

  async #lookUp(request: VerifyRequest, trace: TraceHeaders | undefined): Promise<Verdict> {
    const fingerprint = fingerprintOf(request.key);
    for (const stalePauseMs of [...stalePausesMs, undefined]) {
      const { verifierId, registrations } = this.#lease;
      if (!this.isLeaseHeld() || verifierId === undefined) return this.#broker.verify(request, trace);
      const known = this.#memory.get(fingerprint, performance.now());
      if (known !== undefined && isLimited(known)) return this.#broker.verify(request, trace);
      const { version } = this.#revisions;
      const context = { verifierId, registrations, version };
      const fetched = await this.#records.find(context, fingerprint, request.key, trace);
      // During the fetch the lease may have ended, or been renewed over another feed.
      if (!this.isLeaseHeld()) return this.#broker.verify(request, trace);
      if (this.#lease.registrations !== registrations) continue;
      if (fetched === undefined) return { valid: false, code: 'NOT_FOUND' };
      if (isLimited(fetched.entry.record)) return this.#broker.verify(request, trace);
      // Older than the known part of the feed, so later changes may be missing.
      if (!this.#revisions.reaches(fetched.entry.asOfSeq)) return this.#broker.verify(request, trace);
      if (!this.#revisions.isStale(fetched.entry.record)) {
        const verdict = this.#judge(fetched.entry, request, fetched.organizationActive, performance.now());
        if (verdict !== undefined) return verdict;
      }
      // The answering process has not received a change yet that is known here.
      if (stalePauseMs !== undefined) await sleep(stalePauseMs);
    }
    throw new FlowplateUndecidedError(new Error('the broker knows less of this key than this verifier'));
  }

  /**
   * A record of a suspended organization is not cached: it could be accepted before the feed
   * reports the suspension.
   */
  #remember(fingerprint: string, fetched: FetchedRecord, context: LookupContext): void {
    if (this.#lease.registrations !== context.registrations || !fetched.organizationActive) return;
    this.#memory.put(fingerprint, fetched.entry, performance.now());
  }

  /** Undefined when the broker must decide. */
  #judge(
    entry: CacheEntry<KeyRecord>,
    request: VerifyRequest,
    organizationWasActive: boolean,
    monotonicMs: number,
  ): Verdict | undefined {
    const { record } = entry;
    if (isLimited(record)) return undefined;
    const nowMs = this.#clock.at(monotonicMs);
    const organizationActive = organizationWasActive && !this.#refused.has(record.organizationId);
    const code = decide(record, toAsked(request), { nowMs, organizationActive });
    if (!isAccepted(code)) {
      this.#usage.mark(entry, record.lineageId, code, 0, nowMs);
      return { valid: false, code };
    }
    this.#usage.mark(entry, record.lineageId, code, request.cost ?? 1, nowMs);
    return verdictOf(entry, code);
  }
}

/** Validates the capacity, whose fingerprints are allocated at once. */
function requireCapacity(records: number): void {
  if (Number.isInteger(records) && records >= 0 && records <= recordsMax) return;
  throw new RangeError(`recordsInMemoryMax must be a whole number from 0 to ${recordsMax}`);
}

function requireCountable(cost: number): void {
  const { min, max } = numberRanges.cost;
  if (Number.isInteger(cost) && cost >= min && cost <= max) return;
  throw new RangeError(`cost must be a whole number from ${min} to ${max}`);
}

function isLimited(record: KeyRecord): boolean {
  return record.rateLimit !== null || record.quota !== null;
}

function toAsked(request: VerifyRequest) {
  return request.organization_id === undefined
    ? request
    : { ...request, organizationId: request.organization_id };
}
