import { randomUUID } from 'node:crypto';
import { startOfMinuteMs, type UsageFlush, type UsageMark } from '../domain/usage.ts';
import type { VerdictCode } from '../domain/verdict.ts';

/**
 * Delivers a flush to Redis or, when Redis is away, to Postgres. May be called twice with the same
 * flush.
 */
export type DeliverFlush = (flush: UsageFlush) => Promise<void>;

/** A mark that still grows, until its flush is taken. */
type OpenMark = UsageMark & { flush: number; before: OpenMark | undefined };

/** Link from a record to its open usage mark. Saves a map lookup per call. */
export type Tally = { openMark: OpenMark | undefined };

/** Counts that are kept elsewhere until a flush takes them. */
export type CountSource = {
  readonly isCounting: boolean;
  /**
   * Up to `countMax` of them. Fewer than that end a round: all that was counted before the round
   * has then been taken.
   */
  takeCounts(countMax: number): UsageMark[];
};

const noOtherCounts: CountSource = { isCounting: false, takeCounts: () => [] };

const flushEveryMs = 250;

/** A flush is one value in Redis and one transaction in Postgres, so its size is bounded. */
const marksPerFlush = 10_000;
const closeAttempts = 3;

/**
 * Sums the calls of this process in memory and flushes them every 250 ms, in parts if they are
 * many. A failed flush is delivered again under its old id before newer ones, so it counts once
 * even if only its answer was lost. A killed process loses up to 250 ms of counts.
 */
export class UsageRecorder {
  readonly #deliver: DeliverFlush;
  readonly #onFault: (error: unknown) => void;
  readonly #besideRecords: CountSource;
  /** Marks of the next flush. A line may occur several times; readers of a flush add them up. */
  #marks: OpenMark[] = [];
  /** Number of the last flush that was begun, and of the last one that was delivered. */
  #flush = 0;
  #delivered = 0;
  /** Marks of a flush under way that are in no part yet; whether counts elsewhere belong to it. */
  #rest: UsageMark[] = [];
  #isRoundOpen = false;
  /** Part of a flush that was sent, and perhaps not delivered. */
  #undelivered: UsageFlush | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  /** When marks were last taken for a flush, and until when all are handed over. */
  #takenMs = performance.now();
  #handedOverMs = this.#takenMs;

  /** `besideRecords` are delivered together with the marks. */
  constructor(
    deliver: DeliverFlush,
    onFault: (error: unknown) => void,
    besideRecords: CountSource = noOtherCounts,
  ) {
    this.#deliver = deliver;
    this.#onFault = onFault;
    this.#besideRecords = besideRecords;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#onFault), flushEveryMs);
  }

  /** `tally` belongs to one record of the line, and to this recorder only. */
  mark(tally: Tally, lineageId: string, code: VerdictCode, cost: number, nowMs: number): void {
    const atMs = Math.floor(nowMs);
    const minuteMs = startOfMinuteMs(atMs);
    const last = tally.openMark?.flush === this.#flush ? tally.openMark : undefined;
    const mark = findMark(last, minuteMs, code);
    if (mark === undefined) {
      tally.openMark = {
        lineageId,
        minuteMs,
        code,
        calls: 1,
        cost,
        firstAtMs: atMs,
        lastAtMs: atMs,
        flush: this.#flush,
        before: last,
      };
      this.#marks.push(tally.openMark);
      return;
    }
    mark.calls += 1;
    mark.cost += cost;
    // The server's clock is corrected now and then, so a later call may carry an earlier time.
    mark.firstAtMs = Math.min(mark.firstAtMs, atMs);
    mark.lastAtMs = Math.max(mark.lastAtMs, atMs);
  }

  /** How long counts have been waiting here; 0 when none is. */
  ageMs(): number {
    return this.#isWaiting() ? performance.now() - this.#handedOverMs : 0;
  }

  /** Delivers all marks. Concurrent calls share one delivery. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Resolves when all marks from before this call are delivered, also those that a running flush
   * has not taken.
   */
  async handOver(): Promise<void> {
    const next = this.#flush + 1;
    while (this.#delivered < next) await this.flush();
  }

  /** Stops the timer and delivers the rest, with a few retries. Rejects when that fails. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (let failures = 0; this.#isWaiting(); ) {
      await this.flush().catch((error: unknown) => {
        failures += 1;
        if (failures >= closeAttempts) throw error;
      });
    }
  }

  #isWaiting(): boolean {
    const inFlush = this.#undelivered !== undefined || this.#rest.length > 0;
    return inFlush || this.#marks.length > 0 || this.#besideRecords.isCounting;
  }

  async #flushOnce(): Promise<void> {
    // Otherwise the one before has failed, and comes first.
    if (this.#delivered === this.#flush) this.#begin();
    await this.#deliverRest();
    this.#delivered = this.#flush;
    this.#handedOverMs = this.#takenMs;
  }

  #begin(): void {
    this.#takenMs = performance.now();
    this.#flush += 1;
    this.#rest = this.#marks;
    this.#marks = [];
    this.#isRoundOpen = true;
  }

  async #deliverRest(): Promise<void> {
    for (;;) {
      this.#undelivered ??= this.#nextPart();
      if (this.#undelivered === undefined) return;
      await this.#deliver(this.#undelivered);
      this.#undelivered = undefined;
    }
  }

  /** Taken one by one: thousands of marks that wait for a delivery cost more than their making. */
  #nextPart(): UsageFlush | undefined {
    const marks = this.#rest.splice(0, marksPerFlush);
    const room = marksPerFlush - marks.length;
    if (room > 0 && this.#isRoundOpen) {
      const counts = this.#besideRecords.takeCounts(room);
      this.#isRoundOpen = counts.length === room;
      for (const count of counts) marks.push(count);
    }
    return marks.length === 0 ? undefined : { id: randomUUID(), marks };
  }
}

/** A record rarely has more than one outcome and minute in a flush. */
function findMark(last: OpenMark | undefined, minuteMs: number, code: VerdictCode): OpenMark | undefined {
  let mark = last;
  while (mark !== undefined && (mark.minuteMs !== minuteMs || mark.code !== code)) mark = mark.before;
  return mark;
}
