import type { Clock } from '../domain/clock.ts';

/** Smaller steps are measurement noise, or a clock that is being slewed. */
const smallStepMs = 1_000;

/**
 * The database server's time, extrapolated by this process's monotonic clock. Replicas whose own
 * clocks disagree then agree on when a key expires. Before the first observation it is the
 * process's own time.
 */
export class ServerClock implements Clock {
  #offsetMs = Date.now() - performance.now();
  #aheadMs = 0;
  #aheadSinceMs = 0;
  #isObserved = false;
  /** Times up to this one were read, or may have been, before the server's clock was stepped. */
  #unclearUntilMs = 0;

  /**
   * Takes a sample: `serverMs` was read between `sentMs` and `receivedMs` of the monotonic clock.
   * True when the server's clock was stepped by more than a second. Times from before a step have
   * no known age.
   */
  observe(serverMs: number, sentMs: number, receivedMs: number): boolean {
    const readMs = performance.now();
    const wasMs = this.#at(readMs);
    const isStep = this.#isObserved && !this.#explains(serverMs, sentMs, receivedMs);
    if (isStep) this.#unclearUntilMs = Math.max(this.#unclearUntilMs, wasMs, serverMs + receivedMs - sentMs);
    this.#isObserved = true;
    this.#offsetMs = serverMs - (sentMs + receivedMs) / 2;
    // Steps back below 1 s are measurement noise. The clock then runs at half speed until it is
    // right (slewing). An expired key stays expired, and later ids still sort later.
    const aheadMs = wasMs - this.#offsetMs - readMs;
    this.#aheadMs = aheadMs > 0 && aheadMs < smallStepMs ? aheadMs : 0;
    this.#aheadSinceMs = readMs;
    return isStep;
  }

  /**
   * Whether the server's clock, extrapolated from the last sample, has shown this time between the
   * two moments.
   */
  #explains(serverMs: number, sentMs: number, receivedMs: number): boolean {
    const offsetMs = this.#offsetMs;
    return serverMs > offsetMs + sentMs - smallStepMs && serverMs < offsetMs + receivedMs + smallStepMs;
  }

  nowMs(): number {
    return this.#at(performance.now());
  }

  #at(readMs: number): number {
    const aheadMs = this.#aheadMs - (readMs - this.#aheadSinceMs) / 2;
    return this.#offsetMs + readMs + Math.max(0, aheadMs);
  }

  /** For durations; no step of a clock affects it. */
  monotonicMs(): number {
    return performance.now();
  }

  /**
   * Age of a server time. Infinity when unknown: the clock was stepped since, or the time lies in
   * the future.
   */
  ageMs(serverMs: number): number {
    const ageMs = this.nowMs() - serverMs;
    if (serverMs <= this.#unclearUntilMs || ageMs < -smallStepMs) return Infinity;
    return Math.max(0, ageMs);
  }

  now(): Date {
    return new Date(this.nowMs());
  }

  /** The earlier of the server's time and this process's own. */
  earliest(): Date {
    return new Date(Math.min(this.nowMs(), Date.now()));
  }
}
