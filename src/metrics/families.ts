import type { Metric, Registry } from 'prom-client';
import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { describe, type MetricLabel, type MetricName, type NameOf } from './catalogue.ts';

export type Sample<Name extends MetricName> = { value: number; labels?: Record<MetricLabel<Name>, string> };

/** How a histogram is counted: see `LatencyHistogram`. */
export type HistogramSample<Name extends MetricName> = {
  labels: Record<MetricLabel<Name>, string>;
  buckets: readonly number[];
  sum: number;
};

type Line = { metricName?: string; labels: Record<string, string | number>; value: number };

/**
 * A metric whose values are read when somebody scrapes. No sample stands for "not known": the
 * metric is then absent, not 0.
 */
export function readMetric<Name extends NameOf<'gauge' | 'counter'>>(
  registry: Registry,
  name: Name,
  read: () => MaybeLater<readonly Sample<Name>[]>,
): void {
  register(registry, name, async () =>
    (await read()).map(({ value, labels }): Line => ({ labels: labels ?? {}, value })),
  );
}

/** The same for a histogram that is kept in plain numbers. */
export function readHistogram<Name extends NameOf<'histogram'>>(
  registry: Registry,
  name: Name,
  bounds: readonly number[],
  read: () => readonly HistogramSample<Name>[],
): void {
  const les = [...bounds, '+Inf'];
  register(registry, name, async () =>
    read().flatMap(({ labels, buckets, sum }): Line[] => [
      ...les.map((le, index) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le },
        value: buckets[index] ?? 0,
      })),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: buckets.at(-1) ?? 0 },
    ]),
  );
}

/** A registry takes any object with these members; its types name only its own classes. */
function register(registry: Registry, name: MetricName, read: () => Promise<Line[]>): void {
  const { help, type, aggregator = 'sum' } = describe(name);
  const get = async () => ({ name, help, type, aggregator, values: await read() });
  registry.registerMetric({ name, help, type, aggregator, get } as unknown as Metric);
}

/** Metrics of prom-client's own that break the naming rules: gauges that end in `_total`. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export function dropMisnamed(registry: Registry): void {
  for (const name of misnamed) registry.removeSingleMetric(name);
}
