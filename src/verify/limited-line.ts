import type { KeyRecord } from '../domain/key-record.ts';
import { endOfPeriod, startOfPeriod } from '../domain/usage.ts';
import type { Quota, RateLimit } from '../domain/user-key.ts';
import type { Counted, Spend } from '../stores/redis/limits.ts';

/** One instant on two clocks. Quota periods are dates of the database server's clock. */
export type Moment = { now: Date; monotonicMs: number };

export function momentNow(now: Date): Moment {
  return { now, monotonicMs: performance.now() };
}

/** A rate window: `spent` as Redis last said, `local` let in here without Redis. */
export type RateWindow = { windowMs: number; endsAtMs: number; spent: number; local: number };

/** The current period of a quota; `spent` is undefined until Redis or Postgres has said it. */
export type QuotaWindow = {
  period: Quota['period'];
  /** By the server's clock; `endsAtMs` is the end by the monotonic one. */
  startMs: number;
  endMs: number;
  endsAtMs: number;
  spent: number | undefined;
  local: number;
};

/**
 * The counter was compared with Postgres for this revision of a key; `roundsLeft` times more, from
 * `nextAtMs` on.
 */
type Comparison = { keyId: string; revision: number; roundsLeft: number; nextAtMs: number };

/** A line has more than one key only while predecessors are in their grace. */
const comparisonsMax = 4;
/**
 * Twice: at the first call with a revision, since the quota may be new, and a second later. By then
 * other processes, which hold what they have counted for 250 ms, have handed over the calls that
 * they let in before they heard of the change.
 */
const comparisonRounds = 2;
const compareAgainMs = 1_000;

/**
 * Limit state of one line of keys in this process. Rate windows are timed by the monotonic clock: a
 * server clock that is set back must not make an old window last longer.
 */
export class LimitedLine {
  #window: RateWindow | undefined;
  #period: QuotaWindow | undefined;
  #comparisons: Comparison[] = [];
  #compareFromMs = 0;
  /** The settling that is under way (single flight). */
  settling: Promise<void> | undefined;

  /** The window that is open for this limit. A changed length is another window. */
  window({ window_seconds }: RateLimit, monotonicMs: number): RateWindow | undefined {
    const window = this.#window;
    if (window === undefined || window.windowMs !== window_seconds * 1_000) return undefined;
    return monotonicMs < window.endsAtMs ? window : undefined;
  }

  openWindow({ window_seconds }: RateLimit, monotonicMs: number): RateWindow {
    const windowMs = window_seconds * 1_000;
    this.#window = { windowMs, endsAtMs: monotonicMs + windowMs, spent: 0, local: 0 };
    return this.#window;
  }

  period({ period }: Quota, { now, monotonicMs }: Moment): QuotaWindow {
    const known = this.#period;
    const nowMs = now.getTime();
    if (known?.period === period && nowMs >= known.startMs && nowMs < known.endMs) return known;
    const [startMs, endMs] = [startOfPeriod(period, now).getTime(), endOfPeriod(period, now).getTime()];
    const endsAtMs = monotonicMs + endMs - nowMs;
    const current = { period, startMs, endMs, endsAtMs, spent: undefined, local: 0 };
    // A call from just before midnight must not bring the old day back.
    if (known?.period === period && startMs < known.startMs) return current;
    this.#comparisons = [];
    this.#period = current;
    return current;
  }

  /** Update for Redis: the start of a counter that it lost, and `owed`, which it adds. */
  windowForRedis({ rateLimit }: Limits, { monotonicMs }: Moment, owed = 0): Spend['window'] {
    const window = rateLimit === null ? undefined : this.window(rateLimit, monotonicMs);
    return window && { owed, spent: window.spent, leftMs: window.endsAtMs - monotonicMs };
  }

  spentInPeriod({ quota }: Limits, moment: Moment): number {
    return quota === null ? 0 : (this.period(quota, moment).spent ?? 0);
  }

  /** Applies the counters that Redis returned for a call sent at `sent`. */
  hear({ rateLimit, quota }: Limits, counted: Counted, sent: Moment): void {
    if (quota !== null) this.period(quota, sent).spent = counted.quotaSpent;
    if (rateLimit === null || counted.rateSpent === 0) return;
    const { monotonicMs } = sent;
    const window = this.window(rateLimit, monotonicMs) ?? this.openWindow(rateLimit, monotonicMs);
    window.spent = counted.rateSpent;
    window.endsAtMs = monotonicMs + counted.windowLeftMs;
  }

  /** Redis counted `cost` late, for a call that was decided here meanwhile. */
  hearLate({ rateLimit, quota }: Limits, cost: number, moment: Moment): void {
    const window = rateLimit === null ? undefined : this.window(rateLimit, moment.monotonicMs);
    const period = quota === null ? undefined : this.period(quota, moment);
    for (const counter of [window, period]) {
      if (counter !== undefined) counter.local = Math.max(0, counter.local - cost);
    }
  }

  /** False when Redis needs an update, or a comparison with Postgres, before the next call. */
  isSettled(record: KeyRecord, moment: Moment): boolean {
    const { rateLimit, quota } = record;
    if (rateLimit !== null && (this.window(rateLimit, moment.monotonicMs)?.local ?? 0) > 0) return false;
    return quota === null || this.isCompared(record, quota, moment);
  }

  /** Also true during a pause. */
  isCompared(record: KeyRecord, quota: Quota, moment: Moment): boolean {
    if (moment.monotonicMs < this.#compareFromMs) return true;
    if (this.period(quota, moment).local > 0) return false;
    const comparison = this.#comparisonOf(record);
    if (comparison === undefined) return false;
    return comparison.roundsLeft === 0 || moment.monotonicMs < comparison.nextAtMs;
  }

  /** `wasAway`: other processes may hold uncounted calls too, so one more comparison follows. */
  noteComparison(record: KeyRecord, { monotonicMs }: Moment, wasAway: boolean): void {
    const roundsDue = wasAway
      ? comparisonRounds
      : (this.#comparisonOf(record)?.roundsLeft ?? comparisonRounds);
    const roundsLeft = Math.max(0, roundsDue - 1);
    const others = this.#comparisons.filter(({ keyId }) => keyId !== record.id);
    const { id: keyId, revision } = record;
    const noted = { keyId, revision, roundsLeft, nextAtMs: monotonicMs + compareAgainMs };
    this.#comparisons = [...others.slice(1 - comparisonsMax), noted];
  }

  /** Postgres did not answer: the counter of Redis is used for this long. */
  pauseComparisons(pauseMs: number, { monotonicMs }: Moment): void {
    this.#compareFromMs = monotonicMs + pauseMs;
  }

  /** Redis has lost the quota's counter. */
  forgetComparisons(): void {
    this.#comparisons = [];
    this.#compareFromMs = 0;
  }

  /**
   * Whether it holds calls that Redis has not counted. Forgetting them would grant the share twice.
   */
  isOwing(monotonicMs: number): boolean {
    return [this.#window, this.#period].some(
      (counter) => counter !== undefined && counter.local > 0 && monotonicMs < counter.endsAtMs,
    );
  }

  #comparisonOf({ id, revision }: KeyRecord): Comparison | undefined {
    return this.#comparisons.find((known) => known.keyId === id && known.revision === revision);
  }
}

type Limits = Pick<KeyRecord, 'rateLimit' | 'quota'>;
