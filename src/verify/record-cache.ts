import { recordLifeMs } from '../domain/key-record.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { AcceptedVerdict } from './accepted-verdict.ts';
import { FingerprintIndex, fingerprintWords, nowhere } from './fingerprint-index.ts';
import type { Tally } from './usage-recorder.ts';

/** Cache entry: a record with its open usage mark and its cached verdict. */
export class CacheEntry<R> implements Tally {
  /** Another one once a stop has revoked its key. */
  record: R;
  /** Monotonic time, no later than the record's read of Postgres. */
  readonly readAtMs: number;
  /** Position in the feed at which the record is known to be current. */
  asOfSeq: number;
  openMark: Tally['openMark'] = undefined;
  verdict: AcceptedVerdict | undefined = undefined;

  constructor(record: R, readAtMs: number, asOfSeq: number) {
    this.record = record;
    this.readAtMs = readAtMs;
    this.asOfSeq = asOfSeq;
  }
}

/**
 * A row has 64 bytes, a line of the processor's cache: the fingerprint, the version of the
 * revisions at the last check, a spare word, the read of Postgres, and 32 bytes for the owner of
 * the cache.
 */
export const rowWords = 16;
export const ownWords = 8;
const versionWord = fingerprintWords;
const readAtDouble = 3;

/**
 * In-memory FIFO cache of records. Usable only under a lease (lease.ts). It returns only records
 * that are young enough and not older than a known revision. Times are monotonic. FIFO, not LRU:
 * entries end within minutes anyway, and moving one at each hit costs more than an occasional read
 * from Redis.
 *
 * All that a hit asks lies in one row of numbers. Among 100,000 keys each object that it would read
 * instead is a miss of the processor's cache, and those were most of the time.
 */
export class RecordCache<R extends { id: string; revision: number }> {
  /** The rows, as 32-bit words and as doubles. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  readonly #revisions: RememberedRevisions;
  readonly #entriesMax: number;
  readonly #index: FingerprintIndex;
  readonly #entries: (CacheEntry<R> | undefined)[];
  readonly #onLeave: (place: number) => void;
  readonly #applyStops: (entry: CacheEntry<R>) => boolean;

  /**
   * `onLeave` is called before a record leaves its place, except by `clear`. `applyStops` puts
   * another record into an entry whose key was stopped since; false when that cannot be told.
   */
  constructor(
    revisions: RememberedRevisions,
    entriesMax: number,
    onLeave: (place: number) => void = () => undefined,
    applyStops: (entry: CacheEntry<R>) => boolean = () => true,
  ) {
    this.#revisions = revisions;
    this.#entriesMax = entriesMax;
    this.#onLeave = onLeave;
    this.#applyStops = applyStops;
    this.#entries = new Array(entriesMax).fill(undefined);
    this.#index = new FingerprintIndex(entriesMax, rowWords, (place) => {
      onLeave(place);
      this.#entries[place] = undefined;
    });
    this.words = this.#index.words;
    this.doubles = new Float64Array(this.words.buffer);
  }

  /** Place of the cached record, until the next change of the cache; `nowhere` without one. */
  placeOf(secret: string, nowMs: number): number {
    const place = this.#index.find(secret);
    if (place === nowhere || this.#isUsable(place, nowMs)) return place;
    this.#index.remove(place);
    return nowhere;
  }

  entryAt(place: number): CacheEntry<R> {
    return this.#entries[place] as CacheEntry<R>;
  }

  get(secret: string, nowMs: number): R | undefined {
    const place = this.placeOf(secret, nowMs);
    return place === nowhere ? undefined : this.entryAt(place).record;
  }

  /** Whether the entry may be used, whatever room there is. */
  admits(entry: CacheEntry<R>, nowMs: number): boolean {
    return isYoung(entry.readAtMs, nowMs) && this.#isCurrent(entry);
  }

  /** Stores the entry if it may be used and there is room at all. Its place, or `nowhere`. */
  put(secret: string, entry: CacheEntry<R>, nowMs: number): number {
    const { version } = this.#revisions;
    if (this.#entriesMax === 0 || !this.admits(entry, nowMs)) return nowhere;
    const place = this.#index.add(secret);
    this.#entries[place] = entry;
    this.words[place * rowWords + versionWord] = version;
    this.doubles[(place * rowWords) / 2 + readAtDouble] = entry.readAtMs;
    return place;
  }

  clear(): void {
    this.#index.clear();
    this.#entries.fill(undefined);
  }

  get size(): number {
    return this.#index.size;
  }

  /** Currency is checked again only after a change. */
  #isUsable(place: number, nowMs: number): boolean {
    if (!isYoung(this.doubles[(place * rowWords) / 2 + readAtDouble] as number, nowMs)) return false;
    // The lower half of the version: an entry does not live for 2^32 changes.
    const version = this.#revisions.version | 0;
    if (this.words[place * rowWords + versionWord] === version) return true;
    const entry = this.entryAt(place);
    const { record } = entry;
    if (!this.#isCurrent(entry)) return false;
    if (entry.record !== record) this.#onLeave(place);
    this.words[place * rowWords + versionWord] = version;
    return true;
  }

  #isCurrent(entry: CacheEntry<R>): boolean {
    if (!this.#revisions.isCurrent(entry) || !this.#applyStops(entry)) return false;
    // No change in between concerned it, so it is current here too.
    entry.asOfSeq = Math.max(entry.asOfSeq, this.#revisions.seq);
    return true;
  }
}

function isYoung(readAtMs: number, nowMs: number): boolean {
  return nowMs - readAtMs < recordLifeMs;
}
