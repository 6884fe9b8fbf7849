import type { KeyRecord } from '../domain/key-record.ts';
import type { UsageMark } from '../domain/usage.ts';
import { type AcceptedCode, isAccepted } from '../domain/verdict.ts';
import type { RefusedOrganizations } from '../revocation/refused-organizations.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import { type AcceptedVerdict, verdictOf } from './accepted-verdict.ts';
import { type Asked, decide } from './decide.ts';
import { nowhere } from './fingerprint-index.ts';
import { type CacheEntry, ownWords, RecordCache, rowWords } from './record-cache.ts';
import { RowCounts } from './row-counts.ts';
import type { CountSource } from './usage-recorder.ts';

/** Double of a row: the server time until which a request that asks nothing is accepted. */
const plainUntilDouble = (ownWords + 4) / 2;

export type KeyMemoryParts = {
  revisions: RememberedRevisions;
  /** Newer than any record, under a lease. */
  refusedOrganizations: Pick<RefusedOrganizations, 'has'>;
  recordsMax: number;
};

/**
 * Memory of key records, in the API and in embedded verifiers: a `RecordCache`, and beside each
 * record its plain yes and the count of these.
 *
 * The plain yes is the answer of `decide` to a request that asks nothing. It holds from the moment
 * that the record is remembered until the key's end, as long as its organization is active.
 * Everything else is decided from the record at each call.
 */
export class KeyMemory implements CountSource {
  readonly #revisions: RememberedRevisions;
  readonly #cache: RecordCache<KeyRecord>;
  readonly #doubles: Float64Array;
  readonly #refusedOrganizations: KeyMemoryParts['refusedOrganizations'];
  readonly #counts: RowCounts;
  readonly #verdicts: (AcceptedVerdict | undefined)[];

  constructor({ revisions, refusedOrganizations, recordsMax }: KeyMemoryParts) {
    this.#revisions = revisions;
    this.#cache = new RecordCache(
      revisions,
      recordsMax,
      (place) => this.#leave(place),
      (entry) => this.#applyStops(entry),
    );
    this.#doubles = this.#cache.doubles;
    this.#refusedOrganizations = refusedOrganizations;
    this.#verdicts = new Array(recordsMax).fill(undefined);
    this.#counts = new RowCounts(this.#cache, { rowWords, countWord: ownWords });
  }

  get size(): number {
    return this.#cache.size;
  }

  /** Place of the record, for this turn of the event loop; `nowhere` without one. */
  placeOf(key: string, monotonicMs: number): number {
    return this.#cache.placeOf(key, monotonicMs);
  }

  entryAt(place: number): CacheEntry<KeyRecord> {
    return this.#cache.entryAt(place);
  }

  /**
   * Whether the record of an entry is older than a change of its key, or may be: a look-up that
   * was under way when the change was heard of.
   */
  isStale({ record, asOfSeq }: CacheEntry<KeyRecord>): boolean {
    return this.#revisions.isStale(record) || this.#revisions.isUnclear(record, asOfSeq);
  }

  /** The record of an entry, revoked when its key was stopped since the record was read. */
  present({ record, asOfSeq }: CacheEntry<KeyRecord>): KeyRecord {
    return this.#revisions.isStopped(record, asOfSeq)
      ? { ...record, status: 'revoked', quarantinedUntilMs: null }
      : record;
  }

  /** The verdict on a request that asks nothing, if it is a plain yes. */
  plainYes(place: number, nowMs: number): AcceptedVerdict | undefined {
    if (!(nowMs < (this.#doubles[(place * rowWords) / 2 + plainUntilDouble] as number))) return undefined;
    const verdict = this.#verdicts[place] as AcceptedVerdict;
    return this.#refusedOrganizations.has(verdict.organization_id) ? undefined : verdict;
  }

  /** Counts a plain yes. */
  count(place: number, cost: number, nowMs: number): void {
    this.#counts.add(place, cost, nowMs);
  }

  /** Whether a record may be used; then it is remembered, if there is room at all. */
  put(key: string, entry: CacheEntry<KeyRecord>, monotonicMs: number): boolean {
    const place = this.#cache.put(key, entry, monotonicMs);
    if (place === nowhere) return this.#cache.admits(entry, monotonicMs);
    const plain = plainAnswer(entry.record);
    this.#doubles[(place * rowWords) / 2 + plainUntilDouble] = plain?.untilMs ?? Number.NEGATIVE_INFINITY;
    this.#verdicts[place] = plain && verdictOf(entry, plain.code);
    if (plain !== undefined) this.#counts.assign(place, entry.record.lineageId, plain.code);
    return true;
  }

  clear(): void {
    this.#counts.closeAll();
    this.#cache.clear();
    this.#verdicts.fill(undefined);
  }

  get isCounting(): boolean {
    return this.#counts.isCounting;
  }

  takeCounts(countMax: number): UsageMark[] {
    return this.#counts.take(countMax);
  }

  #applyStops(entry: CacheEntry<KeyRecord>): boolean {
    if (this.#revisions.isUnclear(entry.record, entry.asOfSeq)) return false;
    entry.record = this.present(entry);
    return true;
  }

  /** The record at this place, or its plain yes, is no more. */
  #leave(place: number): void {
    this.#counts.close(place);
    this.#verdicts[place] = undefined;
    this.#doubles[(place * rowWords) / 2 + plainUntilDouble] = Number.NEGATIVE_INFINITY;
  }
}

/** An address is no question: keys with an address list have no plain yes. */
export function asksNothing({ scopes, organizationId, environment }: Asked): boolean {
  return scopes === undefined && organizationId === undefined && environment === undefined;
}

/**
 * The accepting answer to a request that asks nothing and has no address, and the time at which it
 * ends.
 */
export function plainAnswer(record: KeyRecord): { code: AcceptedCode; untilMs: number } | undefined {
  if (record.rateLimit !== null || record.quota !== null) return undefined;
  const code = decide(record, {}, { nowMs: Number.NEGATIVE_INFINITY, organizationActive: true });
  if (!isAccepted(code)) return undefined;
  return { code, untilMs: Math.min(record.expiresAtMs ?? Infinity, record.supersededUntilMs ?? Infinity) };
}
