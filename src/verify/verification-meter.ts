import {
  resultOf,
  type VerificationOutcome,
  type VerificationResult,
  verificationOutcomes,
  verificationResults,
} from '../domain/verification.ts';

/** Upper bounds of the latency histogram, in seconds. Most answers from memory are in the first. */
export const latencyBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
] as const;

export type OutcomeCount = { endpoint: string; outcome: VerificationOutcome; count: number };

/** `buckets`: how many took no longer than each bound, and, last, how many there were. */
export type LatencyHistogram = {
  endpoint: string;
  result: VerificationResult;
  buckets: readonly number[];
  sumSeconds: number;
};

const boundsMs = Float64Array.from(latencyBuckets, (seconds) => seconds * 1_000);
/** One for each bound, one for what took longer, and one for the sum. */
const timesEach = boundsMs.length + 2;

const outcomePlaces = placesOf(verificationOutcomes);
const resultPlaces = placesOf(verificationResults);
const resultsByOutcome = Object.fromEntries(
  verificationOutcomes.map((outcome) => [outcome, resultOf(outcome)]),
) as Record<VerificationOutcome, VerificationResult>;

/**
 * Counter and latency histogram of verifications, in arrays that are allocated once. A metrics
 * library hashes its labels at each call, which costs more than a verdict from memory; here a call
 * adds to two or three numbers, and `read…` is for whoever collects them.
 */
export class VerificationMeter<Endpoint extends string = string> {
  readonly #endpoints: readonly Endpoint[];
  readonly #places: Readonly<Record<Endpoint, number>>;
  readonly #counts: Float64Array;
  readonly #times: Float64Array;

  constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
    this.#places = placesOf(endpoints);
    this.#counts = new Float64Array(endpoints.length * verificationOutcomes.length);
    this.#times = new Float64Array(endpoints.length * verificationResults.length * timesEach);
  }

  /** What `time` and `end` want to have from the beginning of the request. */
  startMs(): number {
    return performance.now();
  }

  /** A request with one outcome is answered. */
  end(endpoint: Endpoint, outcome: VerificationOutcome, startedMs: number): void {
    this.count(endpoint, outcome);
    this.time(endpoint, resultsByOutcome[outcome], startedMs);
  }

  count(endpoint: Endpoint, outcome: VerificationOutcome): void {
    const place = this.#places[endpoint] * verificationOutcomes.length + outcomePlaces[outcome];
    (this.#counts[place] as number) += 1;
  }

  time(endpoint: Endpoint, result: VerificationResult, startedMs: number): void {
    const ms = performance.now() - startedMs;
    const first = this.#firstTime(this.#places[endpoint], resultPlaces[result]);
    let bucket = 0;
    while (bucket < boundsMs.length && ms > (boundsMs[bucket] as number)) bucket += 1;
    (this.#times[first + bucket] as number) += 1;
    (this.#times[first + timesEach - 1] as number) += ms;
  }

  readCounts(): OutcomeCount[] {
    return this.#endpoints.flatMap((endpoint, at) =>
      verificationOutcomes.map((outcome, place) => ({
        endpoint,
        outcome,
        count: this.#counts[at * verificationOutcomes.length + place] as number,
      })),
    );
  }

  readLatencies(): LatencyHistogram[] {
    return this.#endpoints.flatMap((endpoint, at) =>
      verificationResults.map((result, place) => {
        const first = this.#firstTime(at, place);
        let total = 0;
        const buckets = Array.from(this.#times.subarray(first, first + timesEach - 1), (count) => {
          total += count;
          return total;
        });
        const sumSeconds = (this.#times[first + timesEach - 1] as number) / 1_000;
        return { endpoint, result, buckets, sumSeconds };
      }),
    );
  }

  #firstTime(endpoint: number, result: number): number {
    return (endpoint * verificationResults.length + result) * timesEach;
  }
}

function placesOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.freeze(Object.fromEntries(names.map((name, place) => [name, place]))) as Record<Name, number>;
}
