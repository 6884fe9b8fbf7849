import type { Traffic } from './use-overview.ts';

/** Time spans of the traffic, by their name in the address. */
export const spans = {
  hour: { label: 'Last 24 hours', granularity: 'hour', steps: 24 },
  week: { label: 'Last 7 days', granularity: 'day', steps: 7 },
  day: { label: 'Last 30 days', granularity: 'day', steps: 30 },
  quarter: { label: 'Last 90 days', granularity: 'day', steps: 90 },
} as const;

export type Span = keyof typeof spans;

export const stepMs = { hour: 3_600_000, day: 86_400_000 };

export function readSpan(text: string): Span {
  return text in spans ? (text as Span) : 'hour';
}

type Step = Traffic['data'][number];

/** The steps of a span, the one that has begun included, and its calls by outcome. */
export function newest(traffic: Traffic, span: Span) {
  const data = traffic.data.slice(-spans[span].steps);
  const refusals: Record<string, number> = {};
  for (const step of data) {
    for (const [code, calls] of Object.entries(step.refusals)) refusals[code] = (refusals[code] ?? 0) + calls;
  }
  return {
    series: { ...traffic, from: data[0]?.start ?? traffic.from, data },
    totals: {
      requests: requestsIn(data),
      refused: data.reduce((sum, { refused }) => sum + refused, 0),
      refusals,
    },
  };
}

/**
 * Calls of the last whole steps, compared with as many before them. A step that has just begun
 * would look like a decline.
 */
export function comparison(traffic: Traffic, span: Span): { now: number; before: number } {
  const { steps } = spans[span];
  const whole = traffic.data.slice(0, -1);
  return {
    now: requestsIn(whole.slice(-steps)),
    before: requestsIn(whole.slice(-2 * steps, -steps)),
  };
}

function requestsIn(steps: readonly Step[]): number {
  return steps.reduce((sum, { requests }) => sum + requests, 0);
}
