import type { AcceptedVerdict } from './accepted-verdict.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import type { RememberedRevisions } from './remembered-revisions.ts';
import type { Tally } from './usage-recorder.ts';

/**
 * How long a record may be used after its Postgres read, in Redis and in memory alike, never extended by a hit. It bounds the
 * damage of what the change feed does not carry, such as an operator's own UPDATE.
 */
export const recordLifeMs = 300_000;

/** Longer than an entry lives, twice over: clocks of two database servers may differ at a failover. */
export const revisionMemoryMs = 2 * recordLifeMs + 60_000;

/**
 * A record in memory, side by side with what its uses leave there: among 100,000 keys every further object or table that a
 * verification has to look at is a miss of the processor's cache, and these were most of its time.
 */
export class Entry<R> implements Tally {
  readonly record: R;
  readonly readAtMs: number;
  /** `RememberedRevisions.heard` when the record was last found not to be stale. */
  checkedAtHeard = -1;
  lastMark: Tally['lastMark'] = undefined;
  verdict: AcceptedVerdict | undefined = undefined;

  constructor(record: R, readAtMs: number) {
    this.record = record;
    this.readAtMs = readAtMs;
  }
}

/**
 * Records in this process's memory. May be asked only under a lease (lease.ts); it answers only with what is young enough and not
 * older than a remembered revision. What came first is thrown out first: every entry ends within minutes anyway, and moving
 * one to the front at each hit costs more than reading a busy one again from Redis now and then.
 */
export class RecordCache<R extends { id: string; revision: number }> {
  readonly #revisions: RememberedRevisions;
  readonly #entries: FingerprintTable<Entry<R>>;

  constructor(revisions: RememberedRevisions, entriesMax: number) {
    this.#revisions = revisions;
    this.#entries = new FingerprintTable(entriesMax);
  }

  get(fingerprint: string, nowMs: number): R | undefined {
    return this.find(fingerprint, nowMs)?.record;
  }

  /** The record with the time of its Postgres read. */
  find(fingerprint: string, nowMs: number): Entry<R> | undefined {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) return undefined;
    if (this.#isUsable(entry, nowMs)) return entry;
    this.#entries.delete(fingerprint);
    return undefined;
  }

  put(fingerprint: string, entry: Entry<R>, nowMs: number): void {
    if (this.#isUsable(entry, nowMs)) this.#entries.set(fingerprint, entry);
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  #isUsable(entry: Entry<R>, nowMs: number): boolean {
    return nowMs - entry.readAtMs < recordLifeMs && this.#isFresh(entry);
  }

  /** Looked up again only when something was heard since: with 100,000 keys 1.64 → 1.11 µs for the whole find. */
  #isFresh(entry: Entry<R>): boolean {
    const { heard } = this.#revisions;
    if (entry.checkedAtHeard === heard) return true;
    if (this.#revisions.isStale(entry.record)) return false;
    entry.checkedAtHeard = heard;
    return true;
  }
}
