import type { AppliedChange } from '../domain/key-change.ts';
import type { ChangeSink } from './verifier-memory.ts';

/** More than fit into one answer are read from the feed. */
const keptMax = 1_000;

/**
 * Wakes heartbeats that wait for a change in this process, and keeps the latest changes for them. A
 * hint only, as `NOTIFY` is: a reader that misses it reads the feed when its wait is over.
 */
export class ChangeSignal implements Partial<ChangeSink> {
  #version = 0;
  readonly #wakers = new Set<() => void>();
  /** Every change after `#keptSinceSeq` that this process has applied, in the order of the feed. */
  #kept: AppliedChange[] = [];
  #keptSinceSeq = Number.POSITIVE_INFINITY;

  /** +1 per change. Read it before the feed, so that a change during the read ends the wait. */
  get version(): number {
    return this.#version;
  }

  reset(seq: number): void {
    this.#kept = [];
    this.#keptSinceSeq = seq;
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.length === 0) return;
    this.#kept.push(...changes);
    const surplus = this.#kept.splice(0, Math.max(0, this.#kept.length - keptMax));
    this.#keptSinceSeq = surplus.at(-1)?.seq ?? this.#keptSinceSeq;
    this.tell();
  }

  /**
   * The changes after this position, up to where this process is. Empty when there are none, and
   * when they are no longer kept: then the feed has to be read.
   */
  changesAfter(seq: number): AppliedChange[] {
    if (seq < this.#keptSinceSeq) return [];
    return this.#kept.filter((change) => change.seq > seq);
  }

  /** Whether every change after this position, up to where this process is, is kept. */
  covers(seq: number): boolean {
    return seq >= this.#keptSinceSeq;
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
