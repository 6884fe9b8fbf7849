import type { JournalHead } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';

/** The end of what one writer, or all of them, have written of one history. */
export type JournalTail = JournalHead & { changes: AppliedChange[] };

/** The present history, and about where its feed ends: not all of it has to be listed. */
export type Near = { historyId: string | null; lastSeq: number };

/** Where a revocation journal lies: a directory, or a bucket of an object store. */
export type JournalStore = {
  /**
   * Adds changes of a history, in the order of the feed. Resolves when they outlast this machine's
   * Postgres; after a rejection the same changes are given again.
   */
  append(head: JournalHead, changes: readonly AppliedChange[]): Promise<void>;
  /**
   * The head of every history, with the last changes of the present one at least. Damaged ones are
   * left out.
   */
  readTails(near: Near): Promise<JournalTail[]>;
  /**
   * Calls `onChange` with every change of these histories; the same one may come several times.
   * Returns the names of what cannot be read to its end: changes may be missing.
   */
  readChanges(
    historyIds: ReadonlySet<string>,
    onChange: (change: AppliedChange, head: JournalHead) => void,
  ): Promise<string[]>;
  close(): Promise<void>;
};
