import type { VerifierMetrics } from './verifier-metrics.ts';

/** The part of a prom-client registry that is needed. The SDK does not depend on prom-client. */
export type MetricsRegistry = { registerMetric(metric: object): unknown };

type Sample = { labels: Record<string, string | number>; value: number; metricName?: string };

type Family = {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  read: (metrics: VerifierMetrics) => Sample[];
};

const endpoint = 'embedded';

/** Named and labelled as the broker's own metrics, so that one dashboard shows both. */
const families: readonly Family[] = [
  {
    name: 'flowplate_verifications_total',
    type: 'counter',
    help: 'Verifications by endpoint and outcome',
    read: ({ verifications }) =>
      Object.entries(verifications).map(([outcome, value]) => ({ labels: { endpoint, outcome }, value })),
  },
  {
    name: 'flowplate_verification_seconds',
    type: 'histogram',
    help: 'Verifications that memory could not answer',
    read: ({ asked }) => toHistogram('flowplate_verification_seconds', asked),
  },
  {
    name: 'flowplate_record_lookups_total',
    type: 'counter',
    help: 'Where verdicts came from',
    read: ({ decidedFrom }) =>
      Object.entries(decidedFrom).map(([source, value]) => ({ labels: { source }, value })),
  },
  gauge('flowplate_lease_held', '1 while this verifier may decide from memory', (metrics) =>
    metrics.leaseHeld ? 1 : 0,
  ),
  gauge(
    'flowplate_lease_remaining_seconds',
    'How long this verifier may go on without the broker',
    (metrics) => metrics.leaseRemainingSeconds,
  ),
  gauge('flowplate_records_in_memory', 'Key records in this process', (metrics) => metrics.recordsInMemory),
  gauge(
    'flowplate_usage_flush_age_seconds',
    'How long this process has been holding counts that the broker has not taken',
    (metrics) => metrics.usageFlushAgeSeconds,
  ),
  {
    name: 'flowplate_dependency_faults_total',
    type: 'counter',
    help: 'Faults met in the background, by what was not reached',
    read: ({ faults }) => [{ labels: { dependency: 'broker' }, value: faults }],
  },
];

/**
 * Registers an embedded verifier's metrics with a registry of prom-client 14 or newer, one verifier
 * a registry. They are read at each scrape. Throws as the registry does when a name is taken.
 */
export function registerMetrics(verifier: { metrics(): VerifierMetrics }, registry: MetricsRegistry): void {
  for (const { name, type, help, read } of families) {
    const get = async () => ({ name, type, help, aggregator: 'sum', values: read(verifier.metrics()) });
    registry.registerMetric({ name, type, help, aggregator: 'sum', get });
  }
}

function gauge(name: string, help: string, read: (metrics: VerifierMetrics) => number): Family {
  return { name, type: 'gauge', help, read: (metrics) => [{ labels: {}, value: read(metrics) }] };
}

function toHistogram(name: string, { count, sumSeconds, buckets }: VerifierMetrics['asked']): Sample[] {
  const labels = { endpoint, result: 'decided' };
  return [
    ...[...buckets, { upToSeconds: '+Inf', count }].map((bucket) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bucket.upToSeconds },
      value: bucket.count,
    })),
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
