type Step = { start: string; requests: number; refused: number };

/** Calls over time, of one key or of all. */
export type Series = { granularity: 'hour' | 'day'; from: string; to: string; data: Step[] };

const stepMs = { hour: 3_600_000, day: 86_400_000 };

/** Fills the gaps: the API omits hours and days without calls. */
export function wholeSteps({ granularity, from, to, data }: Series): Step[] {
  const size = stepMs[granularity];
  const known = new Map(data.map((step) => [Date.parse(step.start), step]));
  const first = Math.floor(Date.parse(from) / size) * size;
  const count = Math.ceil((Date.parse(to) - first) / size);
  return Array.from({ length: count }, (_, index) => {
    const start = first + index * size;
    const { requests = 0, refused = 0 } = known.get(start) ?? {};
    return { start: new Date(start).toISOString(), requests, refused };
  });
}
