import type { RememberedRevisions } from './remembered-revisions.ts';

/**
 * How long a record may be used after its Postgres read, in Redis and in memory alike, never extended by a hit. It bounds the
 * damage of what the change feed does not carry, such as an operator's own UPDATE.
 */
export const recordLifeMs = 300_000;

/** Longer than an entry lives, twice over: clocks of two database servers may differ at a failover. */
export const revisionMemoryMs = 2 * recordLifeMs + 60_000;

export type Entry<R> = { record: R; readAtMs: number };

/**
 * Records in this process's memory. May be asked only under a lease (lease.ts); it answers only with what is young enough and not
 * older than a remembered revision. What came first is thrown out first: every entry ends within minutes anyway, and moving
 * one to the front at each hit costs more than reading a busy one again from Redis now and then.
 */
export class RecordCache<R extends { id: string; revision: number }> {
  readonly #revisions: RememberedRevisions;
  readonly #entriesMax: number;
  readonly #entries = new Map<string, Entry<R>>();

  constructor(revisions: RememberedRevisions, entriesMax: number) {
    this.#revisions = revisions;
    this.#entriesMax = entriesMax;
  }

  get(fingerprint: string, nowMs: number): R | undefined {
    return this.find(fingerprint, nowMs)?.record;
  }

  /** The record with the time of its Postgres read. */
  find(fingerprint: string, nowMs: number): Readonly<Entry<R>> | undefined {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) return undefined;
    if (this.#isUsable(entry, nowMs)) return entry;
    this.#entries.delete(fingerprint);
    return undefined;
  }

  put(fingerprint: string, entry: Entry<R>, nowMs: number): void {
    if (!this.#isUsable(entry, nowMs)) return;
    this.#entries.delete(fingerprint);
    this.#entries.set(fingerprint, entry);
    if (this.#entries.size > this.#entriesMax) this.#dropOldest();
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  #isUsable(entry: Entry<R>, nowMs: number): boolean {
    return nowMs - entry.readAtMs < recordLifeMs && !this.#revisions.isStale(entry.record);
  }

  #dropOldest(): void {
    for (const fingerprint of this.#entries.keys()) {
      this.#entries.delete(fingerprint);
      return;
    }
  }
}
