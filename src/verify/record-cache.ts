import { recordLifeMs } from '../domain/key-record.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { AcceptedVerdict } from './accepted-verdict.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import type { Tally } from './usage-recorder.ts';

/**
 * Cache entry: record, open usage mark and cached verdict in one object. Among 100,000 keys each
 * further object is a miss of the processor's cache, and those were most of the time.
 */
export class CacheEntry<R> implements Tally {
  readonly record: R;
  /** Monotonic time, no later than the record's read of Postgres. */
  readonly readAtMs: number;
  /** Position in the feed at which the record is known to be current. */
  asOfSeq: number;
  /** `RememberedRevisions.version` at the last check that the record is current. */
  checkedAtVersion = -1;
  openMark: Tally['openMark'] = undefined;
  verdict: AcceptedVerdict | undefined = undefined;

  constructor(record: R, readAtMs: number, asOfSeq: number) {
    this.record = record;
    this.readAtMs = readAtMs;
    this.asOfSeq = asOfSeq;
  }
}

/**
 * In-memory FIFO cache of records. Usable only under a lease (lease.ts). It returns only records
 * that are young enough and not older than a known revision. Times are monotonic. FIFO, not LRU:
 * entries end within minutes anyway, and moving one at each hit costs more than an occasional read
 * from Redis.
 */
export class RecordCache<R extends { id: string; revision: number }> {
  readonly #revisions: RememberedRevisions;
  readonly #entries: FingerprintTable<CacheEntry<R>>;

  constructor(revisions: RememberedRevisions, entriesMax: number) {
    this.#revisions = revisions;
    this.#entries = new FingerprintTable(entriesMax);
  }

  get(fingerprint: string, nowMs: number): R | undefined {
    return this.find(fingerprint, nowMs)?.record;
  }

  /** The cached record. */
  find(fingerprint: string, nowMs: number): CacheEntry<R> | undefined {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) return undefined;
    if (this.#isUsable(entry, nowMs)) return entry;
    this.#entries.delete(fingerprint);
    return undefined;
  }

  /** Stores the entry and returns true, if it may be used. */
  put(fingerprint: string, entry: CacheEntry<R>, nowMs: number): boolean {
    const isUsable = this.#isUsable(entry, nowMs);
    if (isUsable) this.#entries.set(fingerprint, entry);
    return isUsable;
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  #isUsable(entry: CacheEntry<R>, nowMs: number): boolean {
    return nowMs - entry.readAtMs < recordLifeMs && this.#isCurrent(entry);
  }

  /** Checked again only after a change: with 100,000 keys 1.64 → 1.11 µs for the whole find. */
  #isCurrent(entry: CacheEntry<R>): boolean {
    const { version, seq } = this.#revisions;
    if (entry.checkedAtVersion === version) return true;
    if (!this.#revisions.isCurrent(entry)) return false;
    entry.checkedAtVersion = version;
    // No change in between concerned it, so it is current here too.
    entry.asOfSeq = Math.max(entry.asOfSeq, seq);
    return true;
  }
}
