import type { AppliedChange } from '../domain/key-change.ts';

/**
 * Wakes heartbeats that wait for a change in this process. A hint only, as `NOTIFY` is: a reader
 * that misses it reads the feed when its wait is over.
 */
export class ChangeSignal {
  #version = 0;
  readonly #wakers = new Set<() => void>();

  /** +1 per change. Read it before the feed, so that a change during the read ends the wait. */
  get version(): number {
    return this.#version;
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.length > 0) this.tell();
  }

  tell(): void {
    this.#version += 1;
    for (const wake of this.#wakers) wake();
  }

  /** Resolves after a change since that version, after `waitMs`, or when `signal` aborts. */
  async waitForChange(sinceVersion: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#version > sinceVersion || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  /** Number of waiters. */
  get waiting(): number {
    return this.#wakers.size;
  }
}
