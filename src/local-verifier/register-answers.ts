import type { Metric, Registry } from 'prom-client';
import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { latencyBuckets } from '../verify/verification-meter.ts';
import type { AnswerMeter } from './answer-meter.ts';

type Sample = { metricName?: string; labels: Record<string, string | number>; value: number };
type Described = { name: string; help: string; type: 'counter' | 'gauge' | 'histogram' };

const seconds = 'flowplate_local_answer_seconds';

/**
 * Registers the answers of the local verifier. `source="limits"`: the broker counted a limit of the
 * key, which took a request to it.
 */
export function registerAnswers(meter: AnswerMeter, registry: Registry): void {
  register(
    registry,
    {
      name: 'flowplate_local_answers_total',
      type: 'counter',
      help: 'Answers to gateways by endpoint, source and outcome; each key of a batch is one',
    },
    () =>
      meter.readCounts().map(({ endpoint, source, outcome, count }) => ({
        labels: { endpoint, source, outcome: outcome.toLowerCase() },
        value: count,
      })),
  );
  const help = 'Requests of gateways by endpoint, source and result, until the answer is ready';
  register(registry, { name: seconds, type: 'histogram', help }, () =>
    meter.readLatencies().flatMap(({ endpoint, source, result, buckets, sumSeconds }) => {
      const labels = { endpoint, source, result };
      return [
        ...[...latencyBuckets, '+Inf'].map((le, at) => ({
          metricName: `${seconds}_bucket`,
          labels: { ...labels, le },
          value: buckets[at] ?? 0,
        })),
        { metricName: `${seconds}_sum`, labels, value: sumSeconds },
        { metricName: `${seconds}_count`, labels, value: buckets.at(-1) ?? 0 },
      ];
    }),
  );
}

/** A registry takes any object with these members; its types name only its own classes. */
function register(registry: Registry, described: Described, read: () => MaybeLater<Sample[]>): void {
  const get = async () => ({ ...described, aggregator: 'sum', values: await read() });
  registry.registerMetric({ ...described, aggregator: 'sum', get } as unknown as Metric);
}
