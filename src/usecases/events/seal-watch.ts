/** Shorter than the rhythm of the sealing worker, so a wait ends soon after a seal. */
const lookMs = 500;

/**
 * Wakes the long polls of this process when events were sealed. One look at the newest number
 * serves all of them, and there is none while nobody waits.
 */
export class SealWatch {
  readonly #readLastSeq: () => Promise<number>;
  readonly #wakers = new Map<() => void, number>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(readLastSeq: () => Promise<number>) {
    this.#readLastSeq = readLastSeq;
  }

  /**
   * Resolves when an event after `seq` is sealed, after `waitMs`, when `signal` aborts, and when
   * the process drains.
   */
  async waitAfter(seq: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted || waitMs <= 0) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#wakers.set(wake, seq);
      signal.addEventListener('abort', wake, { once: true });
      this.#timer ??= setTimeout(() => void this.#look(), lookMs);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends every wait, now and from here on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const wake of [...this.#wakers.keys()]) wake();
  }

  /** A fault of the database wakes everybody: the next read of each tells it to its caller. */
  async #look(): Promise<void> {
    const last = await this.#readLastSeq().catch(() => Number.POSITIVE_INFINITY);
    for (const [wake, seq] of [...this.#wakers]) if (seq < last) wake();
    const isAwaited = this.#wakers.size > 0 && !this.#isClosed;
    this.#timer = isAwaited ? setTimeout(() => void this.#look(), lookMs) : undefined;
  }
}
