import type { AppliedChange } from '../domain/key-change.ts';

/**
 * Wakes heartbeats that wait for a change in this process. A hint only, as `NOTIFY` is: a reader
 * that misses it reads the feed when its wait is over.
 */
export class ChangeSignal {
  #count = 0;
  readonly #wakers = new Set<() => void>();

  /**
   * How many changes were told so far. Look at it before reading the feed: what comes in between
   * then ends the wait at once.
   */
  get count(): number {
    return this.#count;
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.length > 0) this.tell();
  }

  tell(): void {
    this.#count += 1;
    for (const wake of this.#wakers) wake();
  }

  /**
   * Until more was told than `count`, `waitMs` are over or `left` aborts, whichever comes first.
   */
  async moreThan(count: number, waitMs: number, left: AbortSignal): Promise<void> {
    if (this.#count > count || left.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        left.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#wakers.add(wake);
      left.addEventListener('abort', wake, { once: true });
    });
  }

  /** Number of waiters. */
  get waiting(): number {
    return this.#wakers.size;
  }
}
