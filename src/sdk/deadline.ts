/**
 * A signal that aborts at a time-out, and with the caller's own signal. `AbortSignal.any` with
 * `AbortSignal.timeout` would leave a timer behind for each call until its time is up, and a
 * reference at the caller's signal: a gateway makes thousands of calls a second.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort();
  #isOver = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort, { once: true });
    if (outer?.aborted) this.#abort();
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#abort();
    }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time-out came first. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** No time-out any more; the caller's signal still aborts. */
  stopTimer(): void {
    clearTimeout(this.#timer);
  }

  /** Aborts what is still under way, and leaves nothing behind. */
  end(): void {
    this.stopTimer();
    this.#outer?.removeEventListener('abort', this.#abort);
    this.#abort();
  }
}
