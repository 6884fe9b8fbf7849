import { randomUUID } from 'node:crypto';
import { startOfMinuteMs, type UsageFlush, type UsageMark } from '../domain/usage.ts';
import type { VerdictCode } from '../domain/verdict.ts';

/**
 * Brings a flush into Redis or, when Redis is away, straight into Postgres; it may be called twice
 * with the same flush.
 */
export type DeliverFlush = (flush: UsageFlush) => Promise<void>;

/** A sum that still grows: until the flush with its number is taken. */
type OpenMark = UsageMark & { flush: number; before: OpenMark | undefined };

/**
 * Where the sums of one record are found again, kept with the record itself: it is at hand when its
 * call is counted, and a table of them by line is not.
 */
export type Tally = { lastMark: OpenMark | undefined };

const flushEveryMs = 250;

/**
 * One flush is one value in Redis and one transaction in Postgres: bounded, however long both were
 * away.
 */
const marksPerFlush = 10_000;
const closeAttempts = 3;

/**
 * Sums the calls of this process in memory and hands them over every 250 ms, in parts if they are
 * many. A flush that failed is delivered again under its old id before anything newer, so that it
 * counts once even when only its answer was lost. What is lost with a killed process is what it had
 * not handed over: a quarter of a second of counts.
 */
export class UsageRecorder {
  readonly #deliver: DeliverFlush;
  readonly #onFault: (error: unknown) => void;
  /**
   * What the next flush takes. A line may be in it several times: whoever reads a flush adds up
   * what is alike.
   */
  #marks: OpenMark[] = [];
  #flush = 0;
  /** What was taken, in parts; the oldest first. */
  #undelivered: UsageFlush[] = [];
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(deliver: DeliverFlush, onFault: (error: unknown) => void) {
    this.#deliver = deliver;
    this.#onFault = onFault;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush().catch(this.#onFault), flushEveryMs);
  }

  /** `tally` belongs to one record of the line, and to this recorder alone. */
  mark(tally: Tally, lineageId: string, code: VerdictCode, cost: number, nowMs: number): void {
    const atMs = Math.floor(nowMs);
    const minuteMs = startOfMinuteMs(atMs);
    const last = tally.lastMark?.flush === this.#flush ? tally.lastMark : undefined;
    const mark = findMark(last, minuteMs, code);
    if (mark === undefined) {
      tally.lastMark = {
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
      this.#marks.push(tally.lastMark);
      return;
    }
    mark.calls += 1;
    mark.cost += cost;
    // The server's clock is corrected now and then, so a later call may carry an earlier time.
    mark.firstAtMs = Math.min(mark.firstAtMs, atMs);
    mark.lastAtMs = Math.max(mark.lastAtMs, atMs);
  }

  /** Hands over what there is. Concurrent calls share one delivery. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Resolves when all that was marked before this call is handed over, also what a flush under way
   * has not taken.
   */
  async handOver(): Promise<void> {
    const open = this.#flush;
    do await this.flush();
    while (this.#undelivered.length > 0 || (this.#flush === open && this.#marks.length > 0));
  }

  /**
   * Stops the rhythm and hands over the rest, trying again a few times; rejects when that is not
   * possible.
   */
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
  }

  #take(): UsageFlush[] {
    const marks = this.#marks;
    this.#marks = [];
    this.#flush += 1;
    const flushes: UsageFlush[] = [];
    for (let start = 0; start < marks.length; start += marksPerFlush) {
      flushes.push({ id: randomUUID(), marks: marks.slice(start, start + marksPerFlush) });
    }
    return flushes;
  }
}

/** There is hardly ever more than one outcome and minute of a record in a flush. */
function findMark(last: OpenMark | undefined, minuteMs: number, code: VerdictCode): OpenMark | undefined {
  let mark = last;
  while (mark !== undefined && (mark.minuteMs !== minuteMs || mark.code !== code)) mark = mark.before;
  return mark;
}
