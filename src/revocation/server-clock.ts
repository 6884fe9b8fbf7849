import type { Clock } from '../domain/clock.ts';

/** Less than this is the question's own inaccuracy, or a clock that is being slewed. */
const smallStepMs = 1_000;

/**
 * The database server's time, carried forward by this process's monotonic clock: replicas whose own
 * clocks disagree still agree on when a key expires. Until the first observation it is the
 * process's own time.
 */
export class ServerClock implements Clock {
  #offsetMs = Date.now() - performance.now();
  #aheadMs = 0;
  #aheadSinceMs = 0;
  #isObserved = false;
  /** Times up to here were read on the server before its clock was stepped, or may have been. */
  #unclearUntilMs = 0;

  /**
   * `serverMs` was read on the server somewhere between `sentMs` and `receivedMs` of this process's
   * monotonic clock. True when the server's clock was stepped by more than a second since the last
   * time: what was timed by it has no age any more.
   */
  observe(serverMs: number, sentMs: number, receivedMs: number): boolean {
    const readMs = performance.now();
    const wasMs = this.#at(readMs);
    const isStep = this.#isObserved && !this.#explains(serverMs, sentMs, receivedMs);
    if (isStep) this.#unclearUntilMs = Math.max(this.#unclearUntilMs, wasMs, serverMs + receivedMs - sentMs);
    this.#isObserved = true;
    this.#offsetMs = serverMs - (sentMs + receivedMs) / 2;
    // A small step back is the question's own inaccuracy. The clock then goes at half its speed
    // until it is right (slewing), so that no key that has expired is good again, and two handles
    // made one after the other still sort in that order.
    const aheadMs = wasMs - this.#offsetMs - readMs;
    this.#aheadMs = aheadMs > 0 && aheadMs < smallStepMs ? aheadMs : 0;
    this.#aheadSinceMs = readMs;
    return isStep;
  }

  /**
   * Whether the server's clock has shown this between the two, as far as it went on from the last
   * observation.
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

  /** For durations: no step of any clock moves it. */
  monotonicMs(): number {
    return performance.now();
  }

  /**
   * How long ago the server's clock showed this time. Infinity when that cannot be told: the clock
   * was stepped since then, or the time lies in the future.
   */
  ageMs(serverMs: number): number {
    const ageMs = this.nowMs() - serverMs;
    if (serverMs <= this.#unclearUntilMs || ageMs < -smallStepMs) return Infinity;
    return Math.max(0, ageMs);
  }

  now(): Date {
    return new Date(this.nowMs());
  }

  /** By the server's clock or by this process's own, whichever is behind. */
  earliest(): Date {
    return new Date(Math.min(this.nowMs(), Date.now()));
  }
}
