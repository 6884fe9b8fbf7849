import type { VerificationOutcome, VerificationResult } from '../domain/verification.ts';
import { type LatencyHistogram, type OutcomeCount, VerificationMeter } from '../verify/verification-meter.ts';
import { type VerdictSource, verdictSources } from './verdict-source.ts';

const endpoints = ['authz', 'verify', 'batch', 'ext_authz'] as const;
export type Endpoint = (typeof endpoints)[number];

type Sourced<Each extends { endpoint: string }> = Each & { source: string };

/** Counts and times the answers of the local verifier, by endpoint and by where they came from. */
export class AnswerMeter {
  readonly #meter = new VerificationMeter(
    endpoints.flatMap((endpoint) => verdictSources.map((source) => `${endpoint} ${source}` as const)),
  );

  startMs(): number {
    return this.#meter.startMs();
  }

  end(endpoint: Endpoint, source: VerdictSource, outcome: VerificationOutcome, startedMs: number): void {
    this.#meter.end(`${endpoint} ${source}`, outcome, startedMs);
  }

  count(endpoint: Endpoint, source: VerdictSource, outcome: VerificationOutcome): void {
    this.#meter.count(`${endpoint} ${source}`, outcome);
  }

  time(endpoint: Endpoint, source: VerdictSource, result: VerificationResult, startedMs: number): void {
    this.#meter.time(`${endpoint} ${source}`, result, startedMs);
  }

  readCounts(): Sourced<OutcomeCount>[] {
    return this.#meter.readCounts().map(withSource);
  }

  readLatencies(): Sourced<LatencyHistogram>[] {
    return this.#meter.readLatencies().map(withSource);
  }
}

function withSource<Each extends { endpoint: string }>(each: Each): Sourced<Each> {
  const [endpoint = '', source = ''] = each.endpoint.split(' ');
  return { ...each, endpoint, source };
}
