import { setTimeout as sleep } from 'node:timers/promises';
import { FlowplateError } from '../domain/errors.ts';
import type { JournalHead } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { JournalStore } from './journal-store.ts';

/** Longer than any store should take; a caller waits no longer. */
const waitMsMax = 2_000;
/** Pause after a failed write. */
const retryMs = 250;

type Waiter = { seq: number; resolve: () => void; reject: (error: Error) => void; timer: NodeJS.Timeout };

/**
 * Writer of the revocation journal: every entry of the change feed, in a store outside of Postgres.
 * It follows the feed as the caches do, so that one process knows the changes of all. A change is
 * answered only when its entry lasts there (`reach`), and a verifier confirms it only then. What
 * comes during a write goes into the next one together.
 */
export class JournalWriter {
  readonly #store: JournalStore;
  readonly #onFault: (error: unknown) => void;
  readonly #waiters = new Set<Waiter>();
  #head: JournalHead | undefined;
  #owed: AppliedChange[] = [];
  #queuedSeq = 0;
  #durableSeq = 0;
  #hasFailed = false;
  #isClosed = false;
  #writing: Promise<void> | undefined;

  constructor(store: JournalStore, onFault: (error: unknown) => void) {
    this.#store = store;
    this.#onFault = onFault;
  }

  /**
   * Goes on with this history, behind `seq` of its feed. Changes still owed to an earlier history
   * are dropped with it.
   */
  begin(head: JournalHead, seq: number): void {
    this.#head = head;
    this.#owed = [];
    this.#queuedSeq = seq;
    this.#durableSeq = seq;
  }

  apply(changes: readonly AppliedChange[], seq: number): void {
    this.#owed.push(...changes.filter((change) => change.seq > this.#queuedSeq));
    this.#queuedSeq = Math.max(this.#queuedSeq, seq);
    this.#write();
  }

  /**
   * Rejects with `DEPENDENCY_UNAVAILABLE` while the store takes nothing, before a change is made.
   */
  requireWritable(): void {
    if (this.#hasFailed) throw unavailable();
  }

  /**
   * Resolves when everything up to `seq` of the feed lasts. Rejects with
   * `DEPENDENCY_UNAVAILABLE` when that takes too long; the change may have happened then.
   */
  async reach(seq: number): Promise<void> {
    if (seq <= this.#durableSeq) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(unavailable());
      }, waitMsMax);
      const waiter = { seq, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** Writes what is left, once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#store.close();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#durableSeq < this.#queuedSeq) {
      const [head, owed, seq] = [this.#head, this.#owed, this.#queuedSeq];
      this.#owed = [];
      try {
        await this.#append(head, owed);
        this.#hasFailed = false;
        if (head !== this.#head) continue;
        this.#durableSeq = seq;
        this.#settle();
      } catch (error) {
        this.#onFault(error);
        this.#hasFailed = true;
        if (head === this.#head) this.#owed = [...owed, ...this.#owed];
        if (this.#isClosed) return;
        await sleep(retryMs);
      }
    }
  }

  async #append(head: JournalHead | undefined, changes: readonly AppliedChange[]): Promise<void> {
    if (changes.length === 0) return;
    if (head === undefined) throw new Error('The journal has no history yet');
    await this.#store.append(head, changes);
  }

  #settle(): void {
    for (const waiter of this.#waiters) {
      if (waiter.seq > this.#durableSeq) continue;
      this.#waiters.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve();
    }
  }
}

function unavailable(): FlowplateError {
  return new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage: 'The revocation journal takes no entries at the moment',
    retryAfterSeconds: 1,
  });
}
