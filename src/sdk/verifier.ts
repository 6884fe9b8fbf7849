import { setTimeout as sleep } from 'node:timers/promises';
import { type ForeignPatterns, isForeignKey, parseForeignPatterns } from '../domain/foreign-pattern.ts';
import { isVerifiable } from '../domain/key-format.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import { numberRanges } from '../domain/number-ranges.ts';
import { isAccepted, type Verdict } from '../domain/verdict.ts';
import { resultOf, verificationOutcomes } from '../domain/verification.ts';
import { RefusedOrganizations } from '../revocation/refused-organizations.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../revocation/remembered-revisions.ts';
import { VerifierMemory } from '../revocation/verifier-memory.ts';
import { verdictOf } from '../verify/accepted-verdict.ts';
import { decide } from '../verify/decide.ts';
import { nowhere } from '../verify/fingerprint-index.ts';
import { asksNothing, KeyMemory } from '../verify/key-memory.ts';
import { LastRefusals } from '../verify/last-refusals.ts';
import type { CacheEntry } from '../verify/record-cache.ts';
import { UsageRecorder } from '../verify/usage-recorder.ts';
import { latencyBuckets, VerificationMeter } from '../verify/verification-meter.ts';
import type { VerifyRequest } from './api-types.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { BrokerClock } from './broker-clock.ts';
import { BrokerLease } from './broker-lease.ts';
import { BrokerRecords, type FetchedRecord, type LookupContext } from './broker-records.ts';
import { FlowplateUndecidedError } from './errors.ts';
import { deliverRefusals } from './refusal-delivery.ts';
import { ReportedScopes } from './reported-scopes.ts';
import { newRequestId } from './request-id.ts';
import type { TraceHeaders } from './trace-headers.ts';
import { deliverUsage } from './usage-delivery.ts';
import type { AskedLatency, VerifierMetrics } from './verifier-metrics.ts';

/** Of the request that a key came with. */
export type RequestContext = {
  /** Names the request among the last refusals of its key; a new one unless set. */
  requestId?: () => string;
  /** Goes to the broker where it is asked, unless the options have `traceHeaders`. */
  trace?: TraceHeaders | undefined;
};

export type VerifierOptions = BrokerOptions & {
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
  readonly #memory: KeyMemory;
  readonly #records: BrokerRecords;
  readonly #lease: BrokerLease;
  readonly #usage: UsageRecorder;
  readonly #refusals: LastRefusals;
  readonly #scopes: ReportedScopes;
  readonly #onFault: (error: unknown) => void;
  readonly #meter = new VerificationMeter(['embedded']);
  readonly #decidedFrom = { memory: 0, record: 0, broker: 0 };
  #faults = 0;
  #foreignPatterns: ForeignPatterns | undefined;

  constructor(options: VerifierOptions) {
    const { recordsInMemoryMax = 200_000, onFault: tell = () => undefined, ...connection } = options;
    requireCapacity(recordsInMemoryMax);
    const onFault = (error: unknown) => {
      this.#faults += 1;
      tell(error);
    };
    this.#onFault = onFault;
    this.#broker = new Broker(connection);
    this.#memory = new KeyMemory({
      revisions: this.#revisions,
      refusedOrganizations: this.#refused,
      recordsMax: recordsInMemoryMax,
    });
    this.#records = new BrokerRecords(this.#broker, (...fetched) => this.#remember(...fetched));
    const memory = new VerifierMemory({
      revisions: this.#revisions,
      refusedOrganizations: this.#refused,
      caches: [this.#memory],
    });
    this.#lease = new BrokerLease({
      ...{ broker: this.#broker, clock: this.#clock, memory, onFault },
      // Those that this version does not know are left out: their keys are refused here.
      onForeignPatterns: (declared) => {
        this.#foreignPatterns = declared.flatMap((one) => parseForeignPatterns(one) ?? []);
      },
    });
    this.#usage = new UsageRecorder(
      (flush) => deliverUsage({ broker: this.#broker, verifierId: this.#lease.verifierId, onFault }, flush),
      onFault,
      this.#memory,
    );
    this.#refusals = new LastRefusals({
      deliver: (some) => deliverRefusals({ broker: this.#broker, verifierId: this.#lease.verifierId }, some),
      onFault,
      onLeftOut: () => undefined,
    });
    this.#scopes = new ReportedScopes({ broker: this.#broker, lease: this.#lease, onFault });
  }

  /**
   * Takes the lease, or keeps trying in the background. Rejects only when the broker refuses the
   * master key.
   */
  async start(): Promise<void> {
    await this.#lease.start();
    this.#usage.start();
    this.#refusals.start();
    this.#scopes.start();
  }

  /** Delivers the usage and returns the lease. */
  async close(): Promise<void> {
    await this.#lease.stop(async () => {
      await this.#refusals.close().catch(this.#onFault);
      await this.#scopes.close().catch(this.#onFault);
      await this.#usage.close().catch(this.#onFault);
    });
  }

  isLeaseHeld(): boolean {
    return this.#lease.isHeldAt(performance.now());
  }

  /** Counts and state of this verifier. Cheap enough to be read at each scrape. */
  metrics(): VerifierMetrics {
    return {
      leaseHeld: this.isLeaseHeld(),
      leaseRemainingSeconds: this.#lease.remainingMsAt(performance.now()) / 1_000,
      registrations: this.#lease.registrations,
      recordsInMemory: this.#memory.size,
      verifications: countedOutcomes(this.#meter),
      decidedFrom: { ...this.#decidedFrom },
      asked: askedLatency(this.#meter),
      usageFlushAgeSeconds: this.#usage.ageMs() / 1_000,
      faults: this.#faults,
    };
  }

  /** The broker's time, Unix milliseconds. */
  nowMs(): number {
    return this.#clock.at(performance.now());
  }

  /**
   * The verdict if memory has it; undefined when the broker must be asked (`verify`). Throws a
   * `RangeError` for an invalid cost. `requestId` names the request among the last refusals.
   */
  verifyNow(request: VerifyRequest, requestId: () => string = newRequestId): Verdict | undefined {
    if (request.cost !== undefined) requireCountable(request.cost);
    const monotonicMs = performance.now();
    const place = this.#lease.isHeldAt(monotonicMs)
      ? this.#memory.placeOf(request.key, monotonicMs)
      : nowhere;
    if (place === nowhere) return this.#mayBeKey(request.key) ? undefined : this.#refuseMalformed();
    const verdict =
      this.#plainYes(place, request, monotonicMs) ??
      this.#judge(this.#memory.entryAt(place), request, requestId, true, monotonicMs);
    if (verdict !== undefined) {
      this.#decidedFrom.memory += 1;
      this.#meter.count('embedded', verdict.code);
    }
    return verdict;
  }

  /** Undefined when the record must be looked at. */
  #plainYes(place: number, request: VerifyRequest, monotonicMs: number): Verdict | undefined {
    if (request.organization_id !== undefined || !asksNothing(request)) return undefined;
    const nowMs = this.#clock.at(monotonicMs);
    const verdict = this.#memory.plainYes(place, nowMs);
    if (verdict !== undefined) this.#memory.count(place, request.cost ?? 1, nowMs);
    return verdict;
  }

  /** Before the first registration the foreign patterns are not known: the broker is asked. */
  #mayBeKey(key: string): boolean {
    const patterns = this.#foreignPatterns;
    return isVerifiable(key) || patterns === undefined || isForeignKey(patterns, key);
  }

  #refuseMalformed(): Verdict {
    this.#meter.count('embedded', 'MALFORMED');
    return { valid: false, code: 'MALFORMED' };
  }

  /**
   * The verdict. Rejects with a `FlowplateUndecidedError` when there is none; then refuse the
   * request.
   */
  verify(request: VerifyRequest, { requestId = newRequestId, trace }: RequestContext = {}): Promise<Verdict> {
    try {
      const verdict = this.verifyNow(request, requestId);
      return verdict === undefined ? this.#ask(request, { requestId, trace }) : Promise.resolve(verdict);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #ask(
    request: VerifyRequest,
    context: RequestContext & { requestId: () => string },
  ): Promise<Verdict> {
    const startedMs = this.#meter.startMs();
    try {
      const verdict = await this.#lookUp(request, context);
      // A newer broker may give a code that this version does not know.
      const isKnown = verificationOutcomes.includes(verdict.code);
      this.#meter.end('embedded', isKnown ? verdict.code : 'NOT_FOUND', startedMs);
      return verdict;
    } catch (error) {
      this.#meter.end('embedded', 'UNDECIDED', startedMs);
      throw error instanceof FlowplateUndecidedError ? error : new FlowplateUndecidedError(error);
    }
  }

  async #lookUp(
    request: VerifyRequest,
    { requestId, trace }: RequestContext & { requestId: () => string },
  ): Promise<Verdict> {
    for (const stalePauseMs of [...stalePausesMs, undefined]) {
      const { verifierId, registrations } = this.#lease;
      if (!this.isLeaseHeld() || verifierId === undefined) return this.#askBroker(request, trace);
      if (this.#isKnownToBeLimited(request.key)) return this.#askBroker(request, trace);
      const { version } = this.#revisions;
      const context = { verifierId, registrations, version };
      const asked = { trace, ip: request.ip, requestId };
      const fetched = await this.#records.find(context, request.key, asked);
      // During the fetch the lease may have ended, or been renewed over another feed.
      if (!this.isLeaseHeld()) return this.#askBroker(request, trace);
      if (this.#lease.registrations !== registrations) continue;
      if (fetched === undefined) {
        this.#decidedFrom.record += 1;
        return { valid: false, code: 'NOT_FOUND' };
      }
      if (isLimited(fetched.entry.record)) return this.#askBroker(request, trace);
      // Older than the known part of the feed, so later changes may be missing.
      if (!this.#revisions.reaches(fetched.entry.asOfSeq)) return this.#askBroker(request, trace);
      if (!this.#memory.isStale(fetched.entry)) {
        fetched.entry.record = this.#memory.present(fetched.entry);
        const verdict = this.#judge(
          fetched.entry,
          request,
          requestId,
          fetched.organizationActive,
          performance.now(),
        );
        if (verdict !== undefined) {
          this.#decidedFrom.record += 1;
          return verdict;
        }
      }
      // The answering process has not received a change yet that is known here.
      if (stalePauseMs !== undefined) await sleep(stalePauseMs);
    }
    throw new FlowplateUndecidedError(new Error('the broker knows less of this key than this verifier'));
  }

  #isKnownToBeLimited(key: string): boolean {
    const place = this.#memory.placeOf(key, performance.now());
    return place !== nowhere && isLimited(this.#memory.entryAt(place).record);
  }

  async #askBroker(request: VerifyRequest, trace: TraceHeaders | undefined): Promise<Verdict> {
    const verdict = await this.#broker.verify(request, trace);
    this.#decidedFrom.broker += 1;
    return verdict;
  }

  /**
   * A record of a suspended organization is not cached: it could be accepted before the feed
   * reports the suspension.
   */
  #remember(key: string, fetched: FetchedRecord, context: LookupContext): void {
    if (this.#lease.registrations !== context.registrations || !fetched.organizationActive) return;
    this.#memory.put(key, fetched.entry, performance.now());
  }

  /** Undefined when the broker must decide. */
  #judge(
    entry: CacheEntry<KeyRecord>,
    request: VerifyRequest,
    requestId: () => string,
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
      const from = { endpoint: 'embedded', requestId: requestId(), traceId: null, masterKeyId: '' } as const;
      this.#refusals.note(record.id, code, nowMs, request.ip, from);
      return { valid: false, code };
    }
    this.#usage.mark(entry, record.lineageId, code, request.cost ?? 1, nowMs);
    if (request.scopes !== undefined) this.#scopes.note(record.organizationId, request.scopes);
    return verdictOf(entry, code);
  }
}

function countedOutcomes(meter: VerificationMeter): Record<string, number> {
  const counted = meter.readCounts().filter(({ outcome }) => resultOf(outcome) !== 'rejected');
  return Object.fromEntries(counted.map(({ outcome, count }) => [outcome.toLowerCase(), count]));
}

function askedLatency(meter: VerificationMeter): AskedLatency {
  const decided = meter.readLatencies().find(({ result }) => result === 'decided');
  const counts = decided?.buckets ?? [];
  return {
    count: counts.at(-1) ?? 0,
    sumSeconds: decided?.sumSeconds ?? 0,
    buckets: latencyBuckets.map((upToSeconds, index) => ({ upToSeconds, count: counts[index] ?? 0 })),
  };
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
