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
  /** Marks of the next flush. A line may occur several times; readers of a flush add them up. */
  #marks: OpenMark[] = [];
  #flush = 0;
  /** Parts of flushes not yet delivered, oldest first. */
  #undelivered: UsageFlush[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  /** When marks were last taken for a flush, and until when all are handed over. */
  #takenMs = performance.now();
  #handedOverMs = this.#takenMs;

  constructor(deliver: DeliverFlush, onFault: (error: unknown) => void) {
    this.#deliver = deliver;
    this.#onFault = onFault;
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
    const isWaiting = this.#marks.length > 0 || this.#undelivered.length > 0;
    return isWaiting ? performance.now() - this.#handedOverMs : 0;
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
    const open = this.#flush;
    do await this.flush();
    while (this.#undelivered.length > 0 || (this.#flush === open && this.#marks.length > 0));
  }

  /** Stops the timer and delivers the rest, with a few retries. Rejects when that fails. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (let failures = 0; this.#marks.length > 0 || this.#undelivered.length > 0; ) {
      await this.flush().catch((error: unknown) => {
        failures += 1;
        if (failures >= closeAttempts) throw error;
      });
    }
  }

  async #flushOnce(): Promise<void> {
    if (this.#undelivered.length === 0) this.#undelivered = this.#take();
    for (let next = this.#undelivered[0]; next !== undefined; next = this.#undelivered[0]) {
      await this.#deliver(next);
      this.#undelivered.shift();
    }
    this.#handedOverMs = this.#takenMs;
  }

  #take(): UsageFlush[] {
    const marks = this.#marks;
    this.#marks = [];
    this.#takenMs = performance.now();
    this.#flush += 1;
    const flushes: UsageFlush[] = [];
    for (let start = 0; start < marks.length; start += marksPerFlush) {
      flushes.push({ id: randomUUID(), marks: marks.slice(start, start + marksPerFlush) });
    }
    return flushes;
  }
}

/** A record rarely has more than one outcome and minute in a flush. */
function findMark(last: OpenMark | undefined, minuteMs: number, code: VerdictCode): OpenMark | undefined {
  let mark = last;
  while (mark !== undefined && (mark.minuteMs !== minuteMs || mark.code !== code)) mark = mark.before;
  return mark;
}
