import type { MetricLabel, MetricName, NameOf } from '../../src/metrics/catalogue.ts';

/** Metrics of Prometheus and prom-client that dashboards and rules may use. */
export const foreignMetrics = [
  'up',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_heap_size_used_bytes',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
] as const;
export type ForeignMetric = (typeof foreignMetrics)[number];

/** A text matches exactly, a list any of its texts, and `not` none of them. */
type Match = string | readonly string[] | { not: readonly string[] };

type Labels<Name> = Name extends MetricName ? MetricLabel<Name> : string;
type Where<Name> = Partial<Record<Labels<Name>, Match>>;

/** `le` is the bound of a bucket, `instance` the process that was scraped. */
type By<Name> = readonly (Labels<Name> | 'instance' | 'le')[];

type Aggregated<Name> = { by?: By<Name>; where?: Where<Name> };

/** The samples of a metric: `name{label="value"}`. */
export function select<Name extends NameOf<'gauge' | 'counter'> | ForeignMetric>(
  name: Name,
  where: Where<Name> = {},
): string {
  return `${name}${matchers(where)}`;
}

export function max<Name extends NameOf<'gauge'> | ForeignMetric>(
  name: Name,
  { by = [], where = {} }: Aggregated<Name> = {},
): string {
  return `max${grouping(by)} (${name}${matchers(where)})`;
}

export function min<Name extends NameOf<'gauge'>>(
  name: Name,
  { by = [], where = {} }: Aggregated<Name> = {},
): string {
  return `min${grouping(by)} (${name}${matchers(where)})`;
}

export function sum<Name extends NameOf<'gauge'>>(
  name: Name,
  { by = [], where = {} }: Aggregated<Name> = {},
): string {
  return `sum${grouping(by)} (${name}${matchers(where)})`;
}

/** Per second, of a counter. */
export function rate<Name extends NameOf<'counter'> | ForeignMetric>(
  name: Name,
  over: string,
  { by = [], where = {} }: Aggregated<Name> = {},
): string {
  return `sum${grouping(by)} (rate(${name}${matchers(where)}[${over}]))`;
}

/** How often a histogram was observed per second; `within` counts those up to one of its bounds. */
export function observed<Name extends NameOf<'histogram'>>(
  name: Name,
  over: string,
  { by = [], where = {}, within }: Aggregated<Name> & { within?: number } = {},
): string {
  const series = within === undefined ? `${name}_count${matchers(where)}` : bucket(name, where, within);
  return `sum${grouping(by)} (rate(${series}[${over}]))`;
}

function bucket<Name extends NameOf<'histogram'>>(name: Name, where: Where<Name>, within: number): string {
  return `${name}_bucket${matchers({ ...where, le: String(within) })}`;
}

/** The latency that a share of the observations did not exceed. */
export function quantile<Name extends NameOf<'histogram'>>(
  share: number,
  name: Name,
  over: string,
  { by = [], where = {} }: Aggregated<Name> = {},
): string {
  const buckets = `sum${grouping([...by, 'le'])} (rate(${name}_bucket${matchers(where)}[${over}]))`;
  return `histogram_quantile(${share}, ${buckets})`;
}

function grouping(by: readonly string[]): string {
  return by.length === 0 ? '' : ` by (${by.join(', ')})`;
}

function matchers(where: Partial<Record<string, Match>>): string {
  const all = Object.entries(where).map(([label, match]) => `${label}${matcher(match ?? '')}`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
}

function matcher(match: Match): string {
  if (typeof match === 'string') return `="${match}"`;
  return 'not' in match ? `!~"${match.not.join('|')}"` : `=~"${match.join('|')}"`;
}
