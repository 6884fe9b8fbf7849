import type { HistoryPosition } from '../domain/database-history.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { JudgeByJournal } from '../revocation/database-history.ts';
import type { ChangeSink } from '../revocation/verifier-memory.ts';
import type { JournalStore, JournalTail, Near } from './journal-store.ts';
import { JournalWriter } from './journal-writer.ts';

type Parts = {
  /** A change is answered when it lasts in each of them. */
  stores: readonly JournalStore[];
  readPosition(): Promise<Near>;
  listChangesAfter(seq: number): Promise<AppliedChange[]>;
  findFirstOtherChange(changes: readonly AppliedChange[]): Promise<number | undefined>;
  onFault: (error: unknown) => void;
};

/**
 * Revocation journal: a copy of the change feed outside of Postgres. A restored backup does not
 * have the changes after it, and the journal does (docs/decisions/0036).
 */
export class RevocationJournal implements Pick<ChangeSink, 'apply'> {
  readonly #parts: Parts;
  readonly #writers: readonly JournalWriter[];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#writers = parts.stores.map((store) => new JournalWriter(store, parts.onFault));
  }

  /**
   * Reads the journal as it is now, to judge a position of the database that is read afterwards.
   */
  async read(): Promise<JudgeByJournal> {
    const near = await this.#parts.readPosition();
    const tails = (await Promise.all(this.#parts.stores.map((store) => store.readTails(near)))).flat();
    return (position, histories) => this.#judge(tails, position, histories);
  }

  /**
   * Why the database contradicts the journal; undefined when it does not. Then the journal goes on
   * from its own end, and takes in what other processes changed while this one was away.
   */
  async #judge(
    tails: readonly JournalTail[],
    position: HistoryPosition,
    histories: readonly string[],
  ): Promise<string | undefined> {
    const present = tails.filter(({ historyId }) => historyId === position.historyId);
    const found =
      contradictionOfHeads(tails, present, position, histories) ??
      (await this.#contradictionOfPlaces(present));
    if (found === undefined) await this.#goOn(position, lastSeqOf(present) ?? position.lastSeq);
    return found;
  }

  apply(changes: readonly AppliedChange[], seq: number): void {
    for (const writer of this.#writers) writer.apply(changes, seq);
  }

  /** See `JournalWriter`. */
  requireWritable(): void {
    for (const writer of this.#writers) writer.requireWritable();
  }

  async reach(seq: number): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.reach(seq)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.close()));
  }

  /** After a restore, other processes may have gone on to the same place with other changes. */
  async #contradictionOfPlaces(present: readonly JournalTail[]): Promise<string | undefined> {
    const first = await this.#parts.findFirstOtherChange(present.flatMap(({ changes }) => changes));
    if (first === undefined) return undefined;
    return `its change feed has another change at ${first} than the revocation journal`;
  }

  async #goOn({ historyId, timeline }: HistoryPosition, fromSeq: number): Promise<void> {
    if (historyId === null) return;
    for (const writer of this.#writers) writer.begin({ historyId, timeline }, fromSeq);
    for (let seq = fromSeq; ; ) {
      const changes = await this.#parts.listChangesAfter(seq);
      const last = changes.at(-1);
      if (last === undefined) return;
      this.apply(changes, last.seq);
      seq = last.seq;
    }
  }
}

function contradictionOfHeads(
  tails: readonly JournalTail[],
  present: readonly JournalTail[],
  { timeline, lastSeq }: HistoryPosition,
  histories: readonly string[],
): string | undefined {
  if (tails.some(({ historyId }) => !histories.includes(historyId))) {
    return 'the revocation journal knows a history that the database does not have';
  }
  const knownSeq = lastSeqOf(present) ?? 0;
  if (lastSeq < knownSeq) {
    return `its change feed ends at ${lastSeq}, and the revocation journal at ${knownSeq}`;
  }
  const isEarlier = present.some((tail) => timeline < tail.timeline);
  return isEarlier ? 'its timeline is earlier than that of the revocation journal' : undefined;
}

function lastSeqOf(tails: readonly JournalTail[]): number | undefined {
  const seqs = tails.flatMap(({ changes }) => changes.map(({ seq }) => seq));
  return seqs.length === 0 ? undefined : seqs.reduce((last, seq) => Math.max(last, seq));
}
