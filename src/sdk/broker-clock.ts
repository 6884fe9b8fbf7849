/**
 * The broker's time, carried forward by this process's monotonic clock, so that both agree on when
 * a key expires. Until the first answer it is the process's own time.
 */
export class BrokerClock {
  #offsetMs = Date.now() - performance.now();

  /**
   * `serverMs` was read there somewhere between the two readings of the monotonic clock here. The
   * offset moves only as far as they demand: an answer that was long in coming says little about
   * it, and so takes nothing away from a better one.
   */
  observe(serverMs: number, sentMs: number, receivedMs: number): void {
    this.#offsetMs = Math.min(Math.max(this.#offsetMs, serverMs - receivedMs), serverMs - sentMs);
  }

  /** Unix milliseconds of the broker at this reading of the monotonic clock. */
  at(monotonicMs: number): number {
    return this.#offsetMs + monotonicMs;
  }
}
