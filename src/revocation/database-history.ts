import type { FeedPlace, HistoryPosition } from '../domain/database-history.ts';
import { FlowplateError } from '../domain/errors.ts';

export type DatabaseHistoryParts = {
  readPosition(): Promise<HistoryPosition>;
  listHistories(): Promise<string[]>;
  /** Tells every process that this history is not to be believed. */
  hold(reason: string): Promise<void>;
  /**
   * Reads the revocation journal as it is now, to judge a position of the database that is read
   * afterwards.
   */
  readJournal(): Promise<JudgeByJournal>;
  onHeld(reason: string): void;
  /** The server that the lease has met last: the only one that may be asked anything else. */
  onServer(server: string): void;
};

/** Why the journal contradicts a position of the database; undefined when it does not. */
export type JudgeByJournal = (
  position: HistoryPosition,
  histories: readonly string[],
) => Promise<string | undefined>;

/**
 * Watches that the database never goes back. A backup that was restored, or a failover that lost
 * acknowledged changes, brings removed rights back to life. The history is then held: no process
 * gives a verdict or makes a change until an operator has recovered it, which begins a new history
 * (docs/decisions/0036).
 *
 * What shows it: the end of the change feed lies before what this process or its journal knows, the
 * journal names another change at a place of the feed, or the timeline is an earlier one.
 */
export class DatabaseHistory {
  readonly #parts: DatabaseHistoryParts;
  #id: string | undefined;
  #bytes = Buffer.alloc(0);
  #timeline = 0;
  #heldReason: string | undefined;

  constructor(parts: DatabaseHistoryParts) {
    this.#parts = parts;
  }

  /** The id of the present one, which what lies in Redis belongs to; empty before it is known. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get isHeld(): boolean {
    return this.#heldReason !== undefined;
  }

  /**
   * Looks at the journal and the database before anything is believed. Rejects while the history is
   * held, and when it turns out to be an earlier one.
   */
  async begin(): Promise<void> {
    // The journal first: other processes go on, and a change that it has by now is in the database.
    const contradictionOf = await this.#parts.readJournal();
    const position = await this.#parts.readPosition();
    if (position.historyId !== null && position.historyId !== this.#id) {
      const histories = await this.#parts.listHistories();
      const contradiction = await contradictionOf(position, histories);
      if (contradiction !== undefined) await this.#hold(contradiction);
    }
    await this.judge(position, 0);
  }

  /**
   * Judges a position that was read after `knownSeq` of the feed was known. False when a new
   * history has begun, so that everything kept has to be dropped. Rejects while it is held.
   */
  async judge(position: HistoryPosition, knownSeq: number): Promise<boolean> {
    const { historyId, heldReason, timeline, lastSeq } = position;
    this.#parts.onServer(position.server);
    if (historyId === null) {
      this.#note(heldReason ?? 'it is held');
      throw restored();
    }
    const isKnown = historyId === this.#id;
    if (isKnown && lastSeq < knownSeq)
      await this.#hold('its change feed ends before what this process knows of it');
    if (isKnown && timeline < this.#timeline) await this.#hold('its timeline is an earlier one');
    const isSame = isKnown || this.#id === undefined;
    this.#heldReason = undefined;
    this.#id = historyId;
    this.#bytes = Buffer.from(historyId.replaceAll('-', ''), 'hex');
    this.#timeline = timeline;
    return isSame;
  }

  /**
   * Refuses what was read from another history, or from before `knownSeq` of this one, and
   * everything before the first `begin`.
   */
  requireCurrent({ historyId, lastSeq }: FeedPlace, knownSeq: number): void {
    if (this.isHeld || historyId !== this.#id || lastSeq < knownSeq) throw restored();
  }

  /** Refuses everything while this process knows that the history is held. */
  requireFree(): void {
    if (this.isHeld) throw restored();
  }

  async #hold(reason: string): Promise<never> {
    this.#note(reason);
    await this.#parts.hold(reason);
    throw restored();
  }

  #note(reason: string): void {
    if (this.#heldReason === undefined) this.#parts.onHeld(reason);
    this.#heldReason = reason;
  }
}

function restored(): FlowplateError {
  return new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage:
      'The database went back to an earlier state. An operator has to recover it: npm run recover',
    retryAfterSeconds: 30,
  });
}
