/** A read may use this share of the time at most. */
const dutyMax = 0.01;

/**
 * Periodically refreshed value, for what takes too long to read whenever it is asked for. After a
 * read it rests for `restMs`, and for a hundred times as long as the read took. The value of a
 * failed read is the one before.
 */
export class Refreshed<T> {
  readonly #read: () => Promise<T>;
  readonly #restMs: number;
  readonly #onFault: (error: unknown) => void;
  #value: T | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(read: () => Promise<T>, restMs: number, onFault: (error: unknown) => void) {
    this.#read = read;
    this.#restMs = restMs;
    this.#onFault = onFault;
  }

  /** Undefined before the first read has ended. */
  get value(): T | undefined {
    return this.#value;
  }

  start(): void {
    void this.#refresh();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #refresh(): Promise<void> {
    const startedMs = performance.now();
    await this.#read().then((value) => {
      this.#value = value;
    }, this.#onFault);
    if (this.#isStopped) return;
    const restMs = Math.max(this.#restMs, (performance.now() - startedMs) / dutyMax);
    this.#timer = setTimeout(() => void this.#refresh(), restMs).unref();
  }
}
