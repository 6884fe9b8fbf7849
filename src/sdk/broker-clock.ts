/**
 * The broker's time, extrapolated by this process's monotonic clock, so that both agree on when a
 * key expires. Before the first answer it is the process's own time.
 */
export class BrokerClock {
  #offsetMs = Date.now() - performance.now();

  /**
   * Takes a sample: `serverMs` was read between the two readings of the monotonic clock. The offset
   * moves only as far as the sample requires, so that a slow answer does not replace a precise one.
   */
  observe(serverMs: number, sentMs: number, receivedMs: number): void {
    this.#offsetMs = Math.min(Math.max(this.#offsetMs, serverMs - receivedMs), serverMs - sentMs);
  }

  /** The broker's Unix milliseconds at this monotonic time. */
  at(monotonicMs: number): number {
    return this.#offsetMs + monotonicMs;
  }
}
