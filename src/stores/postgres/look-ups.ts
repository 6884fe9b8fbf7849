import { Batches } from '../../concurrency/batches.ts';

export type LookUpLimits = { runningMax: number; waitingMax: number };

/** Bounds one statement: 100 rows by an index take about as long as the way to the server. */
const sizeMax = 100;

/**
 * Batched look-ups: those that arrive while others run share the next statement, so that a flood of
 * them costs one statement for a hundred. A lone one runs at once.
 *
 * A batch is formed when its statement is sent, so each look-up in it was asked for before. Its
 * snapshot is taken after each of them began: it is as fresh as a statement of its own.
 *
 * More than `waitingMax` are refused with `OVERLOADED`; faults of the server are
 * `DEPENDENCY_UNAVAILABLE`.
 */
export function inBatches<Wanted, Found>(
  limits: LookUpLimits,
  findAll: (wanted: readonly Wanted[]) => Promise<readonly Found[]>,
): (wanted: Wanted) => Promise<Found> {
  const batches = new Batches({ run: findAll, isOneItemsFault: () => false, sizeMax, ...limits });
  return (wanted) => batches.add(wanted);
}
