import type { Clock } from '../../domain/clock.ts';
import type { Db } from '../../stores/postgres/database.ts';
import { listTraffic, type TrafficRange, type TrafficSum } from '../../stores/postgres/usage/traffic.ts';
import { stepMs, type UsageRequest, wholeSteps } from '../usage/usage-range.ts';

export type Traffic = TrafficRange & { steps: { start: Date; sums: TrafficSum[] }[] };

/**
 * Calls of all keys in `[from, to)` by outcome, widened to whole hours or UTC days, all of them
 * present. The default is the last day of hours or the last 30 days. Exact for rolled-up usage.
 * `VALIDATION_ERROR` for an empty or too long range.
 */
export async function getTraffic(
  { db, clock }: { db: Db; clock: Clock },
  request: UsageRequest,
): Promise<Traffic> {
  const range = wholeSteps(request, clock.now());
  const byStart = Map.groupBy(await listTraffic(db, range), ({ start }) => start.getTime());
  const size = stepMs[range.granularity];
  const first = range.from.getTime();
  const steps = Array.from({ length: Math.ceil((range.to.getTime() - first) / size) }, (_, index) => {
    const startMs = first + index * size;
    return { start: new Date(startMs), sums: byStart.get(startMs) ?? [] };
  });
  return { ...range, steps };
}
