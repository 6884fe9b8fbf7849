import type { AppliedChange } from '../domain/key-change.ts';
import { recordLifeMs } from '../domain/key-record.ts';
import type { KeyStop } from '../domain/key-stop.ts';
import { RememberedStops, type StoppableRecord } from './remembered-stops.ts';

type Change = Pick<AppliedChange, 'seq' | 'subjectId' | 'revision'>;

type Remembered = { id: string; revision: number; seq: number; heardAtMs: number; stop?: KeyStop };

/** A record, and the position in the feed at which it was read. */
export type Placed = { record: { id: string; revision: number }; asOfSeq: number };

/**
 * Longer than a record lives: beyond that a revision refuses nothing any more. Twice over, for
 * embedded verifiers of earlier versions, which know of no places in the feed and judge by this
 * time.
 */
export const revisionMemoryMs = 2 * recordLifeMs + 60_000;

/** 30 to 60 MB. Beyond it, older records are read again. */
export const changesRememberedMax = 200_000;

/**
 * The newest revision that this verifier has heard of, for every key and master key that changed
 * lately, and the place in the feed from which on it remembers every change.
 *
 * The one rule that keeps caches honest: a record is current when it was read at or after that
 * place, and no newer revision of it is remembered. It covers a late fill that races a revoke, and
 * a Redis that was flushed, failed over or restored. It compares places and never times, so no
 * clock can break it. A stop of many keys is remembered with them: a record from before it is
 * judged by it.
 *
 *     feed  ──────┬───────────────┬──────────────▶
 *                 │ known since   │ applied (`seq`)
 *     a record read here    here: judged by the revisions remembered
 *     is not used
 */
export class RememberedRevisions {
  readonly #retentionMs: number;
  readonly #changesMax: number;
  readonly #revisions = new Map<string, Remembered>();
  readonly #stops = new RememberedStops();
  /**
   * In the order of the feed, which is the order of forgetting; `#oldest` is the first that counts.
   * Looking for the oldest in the map itself walks over everything that was deleted from it.
   */
  #remembered: Remembered[] = [];
  #oldest = 0;
  #knownSinceSeq = 0;
  #seq = 0;
  #version = 0;

  /**
   * Both bounds limit memory only. Forgetting moves the position up from which records are used.
   */
  constructor({ retentionMs, changesMax }: { retentionMs: number; changesMax: number }) {
    this.#retentionMs = retentionMs;
    this.#changesMax = changesMax;
  }

  /** +1 per change. A record that was current at version n stays current while version = n. */
  get version(): number {
    return this.#version;
  }

  /** Last applied position of the feed. A database read that begins now sees all of it. */
  get seq(): number {
    return this.#seq;
  }

  /** Restarts at a position of the feed, without any revision. */
  reset(seq: number): void {
    this.#revisions.clear();
    this.#stops.clear();
    this.#remembered = [];
    this.#oldest = 0;
    this.#knownSinceSeq = seq;
    this.#seq = seq;
    this.#version += 1;
  }

  remember({ subjectId: id, revision, seq }: Change, nowMs: number): void {
    const known = this.#revisions.get(id)?.revision ?? 0;
    const remembered = { id, revision: Math.max(known, revision), seq, heardAtMs: nowMs };
    this.#revisions.set(id, remembered);
    this.#keep(remembered);
  }

  /** Remembers that keys were stopped: as long, and within the same bounds, as a revision. */
  rememberStop(stop: KeyStop, seq: number, nowMs: number): void {
    this.#stops.remember(stop, seq);
    this.#keep({ id: '', revision: 0, seq, heardAtMs: nowMs, stop });
  }

  /** Keys were stopped, and it is not known which: no record from before this place is used. */
  forgetBefore(seq: number): void {
    this.#knownSinceSeq = Math.max(this.#knownSinceSeq, seq);
    this.advance(seq);
  }

  /** Moves the position; no revision changed in between. */
  advance(seq: number): void {
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#version += 1;
  }

  isCurrent({ record, asOfSeq }: Placed): boolean {
    return this.reaches(asOfSeq) && !this.isStale(record);
  }

  /** Whether every change after this position is known. */
  reaches(seq: number): boolean {
    return seq >= this.#knownSinceSeq;
  }

  isStale(record: { id: string; revision: number }): boolean {
    const remembered = this.#revisions.get(record.id);
    return remembered !== undefined && record.revision < remembered.revision;
  }

  /** Whether a stop that was applied after the record was read covers its key. */
  isStopped(record: StoppableRecord, asOfSeq: number): boolean {
    return this.#stops.covers(record, asOfSeq);
  }

  /** Whether that cannot be told from the record, so that it must be read again. */
  isUnclear(record: StoppableRecord, asOfSeq: number): boolean {
    return this.#stops.isUnclear(record, asOfSeq);
  }

  #keep(remembered: Remembered): void {
    this.#remembered.push(remembered);
    this.advance(remembered.seq);
    this.#forget(remembered.heardAtMs);
  }

  #forget(nowMs: number): void {
    for (;;) {
      const oldest = this.#remembered[this.#oldest];
      if (oldest === undefined || !this.#isSurplus(oldest, nowMs)) break;
      this.#oldest += 1;
      this.#knownSinceSeq = Math.max(this.#knownSinceSeq, oldest.seq);
      if (oldest.stop !== undefined) this.#stops.forget(oldest.stop, oldest.seq);
      // The key may have changed again since; that revision stays.
      if (this.#revisions.get(oldest.id) === oldest) this.#revisions.delete(oldest.id);
    }
    if (this.#oldest > this.#remembered.length / 2) {
      this.#remembered = this.#remembered.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  #isSurplus({ heardAtMs }: Remembered, nowMs: number): boolean {
    const count = this.#remembered.length - this.#oldest;
    return count > this.#changesMax || nowMs - heardAtMs >= this.#retentionMs;
  }
}
