/**
 * Counts of an embedded verifier since it was made, and its state. Plain numbers, for any
 * metrics library; `registerMetrics` gives them to prom-client.
 */
export type VerifierMetrics = {
  /** Whether it may decide from memory; without it every verification asks the broker. */
  leaseHeld: boolean;
  /** How long it may go on without the broker; 0 without a lease. */
  leaseRemainingSeconds: number;
  /** How often it took a lease anew with empty memory; more than once: it was cut off for long. */
  registrations: number;
  recordsInMemory: number;
  /** Verifications by outcome: the verdict's code in lower case, or `undecided`. */
  verifications: Readonly<Record<string, number>>;
  /** Verdicts by source: a record in memory, a fetched record, or the broker's own verdict. */
  decidedFrom: Readonly<Record<'memory' | 'record' | 'broker', number>>;
  /** Verifications that memory could not answer. Those that it could take microseconds. */
  asked: AskedLatency;
  /** How long counts have been waiting for the broker; 0 when none is. */
  usageFlushAgeSeconds: number;
  /** Faults in the background, each of which `onFault` was told of. */
  faults: number;
};

export type AskedLatency = {
  count: number;
  sumSeconds: number;
  /** How many took no longer than each bound, in ascending order. */
  buckets: readonly { upToSeconds: number; count: number }[];
};
