import type { Registry } from 'prom-client';
import type { BulkheadOccupancy } from '../concurrency/bulkhead.ts';
import { actorKinds } from '../domain/audit-event.ts';
import type { HeldUpBy, Propagation } from '../domain/propagation.ts';
import { leftOutReasons } from '../domain/reported-mark.ts';
import { verdictCodes } from '../domain/verdict.ts';
import { verificationEndpoints } from '../domain/verification.ts';
import type { RecordSource } from '../verify/key-records.ts';
import type { LimitDecision } from '../verify/limits.ts';
import { latencyBuckets, VerificationMeter } from '../verify/verification-meter.ts';
import { countBy, counter, histogram } from './counters.ts';
import { readHistogram, readMetric } from './families.ts';
import { processMetrics } from './process-metrics.ts';

/** Metrics of an API process. */
export type ApiMetrics = ReturnType<typeof apiMetrics>;

/** A revoke waits for two seconds, and then says `pending`. */
const propagationBuckets = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5];

const requestBuckets = latencyBuckets.filter((seconds) => seconds >= 0.0005);

const limitDecisions: readonly LimitDecision[] = ['counted', 'local', 'overloaded'];
const recordSources: readonly RecordSource[] = ['memory', 'redis', 'postgres'];

export function apiMetrics() {
  const parts = processMetrics();
  const { registry } = parts;
  return {
    ...parts,
    requests: histogram(registry, 'flowplate_http_request_seconds', requestBuckets),
    verifications: meter(registry),
    countVerdict: countBy(registry, 'flowplate_verdicts_total', 'code', verdictCodes),
    countLimitDecision: countBy(registry, 'flowplate_limit_decisions_total', 'by', limitDecisions),
    countRecordSource: countBy(registry, 'flowplate_record_lookups_total', 'source', recordSources),
    countRateLimited: countBy(registry, 'flowplate_rate_limited_requests_total', 'kind', actorKinds),
    notePropagation: notePropagation(registry),
    usageLeftOut: countLeftOut(registry),
    refusalsLeftOut: counter(registry, 'flowplate_last_refusals_left_out_total'),
    watchLease: watchLease(registry),
    watchFollowers: (read: () => number) =>
      readMetric(registry, 'flowplate_followers', () => [{ value: read() }]),
    watchRecords: (read: () => number) =>
      readMetric(registry, 'flowplate_records_in_memory', () => [{ value: read() }]),
    watchUsage: (ageMs: () => number) =>
      readMetric(registry, 'flowplate_usage_flush_age_seconds', () => [{ value: ageMs() / 1_000 }]),
    watchBulkheads: watchBulkheads(registry),
  };
}

function meter(registry: Registry): VerificationMeter<(typeof verificationEndpoints)[number]> {
  const verifications = new VerificationMeter(verificationEndpoints);
  readMetric(registry, 'flowplate_verifications_total', () =>
    verifications.readCounts().map(({ endpoint, outcome, count }) => ({
      labels: { endpoint, outcome: outcome.toLowerCase() },
      value: count,
    })),
  );
  readHistogram(registry, 'flowplate_verification_seconds', latencyBuckets, () =>
    verifications.readLatencies().map(({ endpoint, result, buckets, sumSeconds }) => ({
      labels: { endpoint, result },
      buckets,
      sum: sumSeconds,
    })),
  );
  return verifications;
}

function countLeftOut(registry: Registry) {
  const leftOut = counter(registry, 'flowplate_usage_reports_left_out_total');
  for (const reason of leftOutReasons) leftOut.inc({ reason }, 0);
  return leftOut;
}

/** Times each change until it was answered, and counts who held up those that were `pending`. */
function notePropagation(registry: Registry): (propagation: Propagation) => void {
  const seconds = histogram(registry, 'flowplate_propagation_seconds', propagationBuckets);
  for (const propagation of ['complete', 'pending']) seconds.zero({ propagation });
  const pending = counter(registry, 'flowplate_pending_changes_total');
  const verifiers = counter(registry, 'flowplate_held_up_by_verifiers_total');
  for (const kind of ['api', 'embedded']) verifiers.inc({ kind }, 0);
  return ({ isComplete, waitedMs, heldUpBy }) => {
    seconds.observe({ propagation: isComplete ? 'complete' : 'pending' }, waitedMs / 1_000);
    if (isComplete) return;
    pending.inc();
    for (const verifier of heldUpBy) verifiers.inc({ kind: kindOf(verifier) });
  };
}

function kindOf({ masterKeyId }: Pick<HeldUpBy, 'masterKeyId'>): 'api' | 'embedded' {
  return masterKeyId === null ? 'api' : 'embedded';
}

function watchLease(registry: Registry) {
  return (lease: { isHeld(): boolean; remainingMs(): number }) => {
    readMetric(registry, 'flowplate_lease_held', () => [{ value: lease.isHeld() ? 1 : 0 }]);
    readMetric(registry, 'flowplate_lease_remaining_seconds', () => [{ value: lease.remainingMs() / 1_000 }]);
  };
}

type Watched = { occupancy(): BulkheadOccupancy };

function watchBulkheads(registry: Registry): (bulkheads: Record<string, Watched>) => void {
  const watched = new Map<string, Watched>();
  const read = (figure: keyof BulkheadOccupancy) => () =>
    [...watched].map(([bulkhead, one]) => ({ labels: { bulkhead }, value: one.occupancy()[figure] }));
  readMetric(registry, 'flowplate_bulkhead_running', read('running'));
  readMetric(registry, 'flowplate_bulkhead_running_max', read('runningMax'));
  readMetric(registry, 'flowplate_bulkhead_waiting', read('waiting'));
  readMetric(registry, 'flowplate_bulkhead_refused_total', read('refused'));
  return (bulkheads) => {
    for (const [name, bulkhead] of Object.entries(bulkheads)) watched.set(name, bulkhead);
  };
}
