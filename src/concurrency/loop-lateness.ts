const tickMs = 50;

/**
 * Event-loop lag, measured by a timer: the lesser of the last two delays. One pause, such as a
 * garbage collection, does not count; two late ticks in a row do.
 */
export class LoopLateness {
  #expectedAtMs = 0;
  #lastMs = 0;
  #beforeMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#expectedAtMs = performance.now() + tickMs;
    this.#timer = setInterval(() => this.#tick(performance.now()), tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get ms(): number {
    return Math.min(this.#lastMs, this.#beforeMs);
  }

  #tick(nowMs: number): void {
    this.#beforeMs = this.#lastMs;
    this.#lastMs = Math.max(0, nowMs - this.#expectedAtMs);
    this.#expectedAtMs = nowMs + tickMs;
  }
}
