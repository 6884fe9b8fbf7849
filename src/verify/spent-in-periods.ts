import { Batches } from '../concurrency/batches.ts';
import { addCounts, startOfPeriod } from '../domain/usage.ts';
import type { QuotaPeriod } from '../domain/user-key.ts';
import type { Database } from '../stores/postgres/database.ts';
import { type CostAsked, sumAcceptedCosts } from '../stores/postgres/usage/usage.ts';
import { listWaitingCosts, type StampedFlushes } from '../stores/redis/usage-flushes.ts';

export type SpentInPeriodsParts = StampedFlushes & {
  db: Database;
  /** Flushes the usage that this process has not delivered yet. */
  handOverUsage: () => Promise<void>;
};

/** `isAll`: includes the flushes in Redis, which answered. */
export type SpentInPeriod = { cost: number; isAll: boolean };

const linesTogetherMax = 500;
const linesWaitingMax = 10_000;
/** One minute of twenty processes. More wait only while the worker is down. */
const flushesReadMax = 5_000;

/**
 * Usage of a line of keys since the start of a quota period. It is read in the order in which
 * counts move: the memory of this process, which is handed over first; flushes that wait in Redis;
 * sums in Postgres. So no count is missed that moves meanwhile, and Postgres says which of the
 * flushes it has counted, so none counts twice. The memory of other processes, 250 ms of calls, is
 * not seen.
 *
 * Single flight for each line and period. Questions of several lines that arrive together share one
 * read.
 */
export class SpentInPeriods {
  readonly #flights = new Map<string, Promise<SpentInPeriod>>();
  readonly #reads: Batches<CostAsked, SpentInPeriod>;

  constructor(parts: SpentInPeriodsParts) {
    this.#reads = new Batches({
      run: (asked) => readTogether(parts, asked),
      isOneItemsFault: () => false,
      sizeMax: linesTogetherMax,
      runningMax: 1,
      waitingMax: linesWaitingMax,
    });
  }

  /** Rejects with `OVERLOADED`, or with `DEPENDENCY_UNAVAILABLE` when Postgres cannot say. */
  read(lineageId: string, period: QuotaPeriod, now: Date): Promise<SpentInPeriod> {
    const since = startOfPeriod(period, now);
    const name = `${lineageId} ${period} ${since.getTime()}`;
    const flight = this.#flights.get(name) ?? this.#reads.add({ lineageId, since });
    if (!this.#flights.has(name)) {
      this.#flights.set(name, flight);
      const land = () => void this.#flights.delete(name);
      flight.then(land, land);
    }
    return flight;
  }
}

async function readTogether(
  { db, handOverUsage, ...flushes }: SpentInPeriodsParts,
  asked: readonly CostAsked[],
): Promise<SpentInPeriod[]> {
  await handOverUsage();
  const lineageIds = new Set(asked.map(({ lineageId }) => lineageId));
  // While Redis is away, processes flush straight to Postgres, and flushes in Redis are not
  // visible.
  const reachable = await listWaitingCosts(flushes, lineageIds, flushesReadMax).catch(() => undefined);
  const waiting = reachable ?? [];
  const { costs, counted } = await sumAcceptedCosts(db, asked, [
    ...new Set(waiting.map(({ flushId }) => flushId)),
  ]);
  const uncounted = waiting.filter(({ flushId }) => !counted.has(flushId));
  return asked.map(({ lineageId, since }, index) => {
    const own = uncounted.filter((mark) => mark.lineageId === lineageId && mark.minuteMs >= since.getTime());
    const cost = own.reduce((sum, mark) => addCounts(sum, mark.cost), costs[index] ?? 0);
    return { cost, isAll: reachable !== undefined };
  });
}
