import { Batches } from '../../concurrency/batches.ts';
import type { BulkheadOccupancy } from '../../concurrency/bulkhead.ts';

export type LookUpLimits = { runningMax: number; waitingMax: number };

/** A lookup that tells its occupancy, for metrics. */
export type Observable<Call> = Call & { occupancy(): BulkheadOccupancy };

/** Maximum lookups in a statement: 100 rows by index take about as long as the round trip. */
const sizeMax = 100;

/**
 * Batched lookups: those that arrive while others run share the next statement, so a flood costs
 * one statement for a hundred. A lone lookup runs at once. The batch's snapshot is taken after each
 * lookup began, so it is as fresh as a statement of its own. Beyond `waitingMax` they are refused
 * with `OVERLOADED`; server errors are `DEPENDENCY_UNAVAILABLE`.
 */
export function inBatches<Wanted, Found>(
  limits: LookUpLimits,
  findAll: (wanted: readonly Wanted[]) => Promise<readonly Found[]>,
): Observable<(wanted: Wanted) => Promise<Found>> {
  const batches = new Batches({ run: findAll, isOneItemsFault: () => false, sizeMax, ...limits });
  return Object.assign((wanted: Wanted) => batches.add(wanted), { occupancy: () => batches.occupancy() });
}
