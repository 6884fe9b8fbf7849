import { Batches } from '../concurrency/batches.ts';
import { digestSecret, type KeyDigest, type Keyring } from '../domain/key-digest.ts';
import { isVerifiable } from '../domain/key-format.ts';
import { isWaiting, type KeyRecord, recordLifeMs } from '../domain/key-record.ts';
import type { Stamps } from '../domain/stamp.ts';
import type { Lease } from '../revocation/lease.ts';
import type { RefusedOrganizations } from '../revocation/refused-organizations.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import type { Digests } from '../stores/postgres/digest-rows.ts';
import type { FindImportCandidates } from '../stores/postgres/user-keys/imported-keys.ts';
import type { FindKeyRecord, FoundKeyRecord } from '../stores/postgres/verify-records.ts';
import type { RedisClient } from '../stores/redis/client.ts';
import type { PackedRecord } from '../stores/redis/record-codec.ts';
import { readRecords, type StampedRecords, writeRecord } from '../stores/redis/records.ts';
import { nowhere } from './fingerprint-index.ts';
import type { ForeignKeys } from './foreign-keys.ts';
import type { KeyMemory } from './key-memory.ts';
import { CacheEntry } from './record-cache.ts';

export type RecordSource = 'memory' | 'redis' | 'postgres';

export type FoundRecord = { record: KeyRecord; organizationActive: boolean; entry: CacheEntry<KeyRecord> };

export type KeyRecordParts = {
  keyring: Keyring;
  lease: Pick<Lease, 'isHeld'>;
  clock: Pick<ServerClock, 'monotonicMs' | 'ageMs'>;
  memory: KeyMemory;
  revisions: RememberedRevisions;
  refusedOrganizations: RefusedOrganizations;
  redis: RedisClient;
  recordStamps: Stamps;
  history: StampedRecords['history'];
  /** Reads Postgres, in a snapshot from after the call. Bounded. */
  findKeyRecord: FindKeyRecord;
  /** The same without a lease, from a server that can still commit. */
  findConfirmedKeyRecord: FindKeyRecord;
  /** Keys of other products; undefined where none are taken. */
  foreign:
    | {
        keys: ForeignKeys;
        findCandidates: FindImportCandidates;
        findConfirmedCandidates: FindImportCandidates;
      }
    | undefined;
  /**
   * Called for a key under an old pepper, which should move to the current one after the answer.
   */
  onOldPepper: (keyId: string, fromPepperId: string, to: KeyDigest) => void;
  onSource: (source: RecordSource) => void;
};

/** Bounds how long one command blocks Redis for others. */
const readTogetherMax = 100;

/** A lookup under way, and the feed version at its start. */
type Lookup = { version: number; result: Promise<CacheEntry<KeyRecord> | undefined> };

/** Result from Postgres; `readAtMs` is the server's time of the read. */
type Found = Pick<FoundKeyRecord, 'organizationActive' | 'readAtMs'> & { entry: CacheEntry<KeyRecord> };

/**
 * Finds the record of a presented key: memory, else Redis, else Postgres. Concurrent lookups of a
 * key share one request (single lookup). A cache changes only the source of a record, never the
 * checks. Without a lease only Postgres is read, once per request, and only a server that can still
 * commit: an earlier read, or one from a replaced primary, may predate a revoke that this request
 * must see.
 */
export class KeyRecords {
  readonly #parts: KeyRecordParts;
  /** By key, for as long as it is looked up. */
  readonly #lookups = new Map<string, Lookup>();
  /**
   * One command for all lookups of a turn of the event loop: the socket costs more than a record.
   */
  readonly #stored: Batches<Buffer, PackedRecord | undefined>;

  constructor(parts: KeyRecordParts) {
    this.#parts = parts;
    this.#stored = new Batches({
      run: (digests) => readRecords(parts, digests),
      isOneItemsFault: () => false,
      sizeMax: readTogetherMax,
      runningMax: Infinity,
      waitingMax: Infinity,
    });
  }

  /** Where the records in memory are. Its places are those of `placeOf`. */
  get memory(): KeyMemory {
    return this.#parts.memory;
  }

  /**
   * Place of the record in memory, if the lease allows it; else `nowhere`. Known keys were parsed
   * before and need no checksum.
   */
  placeOf(key: string): number {
    const { lease, memory, clock, onSource } = this.#parts;
    const place = lease.isHeld() ? memory.placeOf(key, clock.monotonicMs()) : nowhere;
    if (place !== nowhere) onSource('memory');
    return place;
  }

  /**
   * Whether a text can be a key at all: one of ours by its checksum, or one of a declared pattern.
   * No I/O.
   */
  mayBeKey(text: string): boolean {
    return isVerifiable(text) || this.#parts.foreign?.keys.isDeclared(text) === true;
  }

  /** The record at a place of `placeOf`, in the same turn of the event loop. */
  at(place: number): FoundRecord {
    return this.#withStatus(this.#parts.memory.entryAt(place));
  }

  /**
   * Looks everywhere. Undefined when the key does not exist. Rejects with `DEPENDENCY_UNAVAILABLE`
   * or `OVERLOADED` when that is unknown.
   */
  async find(key: string): Promise<FoundRecord | undefined> {
    const place = this.placeOf(key);
    return place === nowhere ? this.load(key) : this.at(place);
  }

  /** Like `find`, for a key that memory does not have. */
  load(key: string): Promise<FoundRecord | undefined> {
    return this.#parts.lease.isHeld() ? this.#share(key) : this.#ask(key);
  }

  /**
   * Under a lease the set of refused organizations and the stops are newer than any record. A stop
   * may have been heard of during the look-up.
   */
  #withStatus(entry: CacheEntry<KeyRecord>): FoundRecord {
    const record = this.#parts.memory.present(entry);
    const organizationActive = !this.#parts.refusedOrganizations.has(record.organizationId);
    return { record, organizationActive, entry };
  }

  async #share(key: string): Promise<FoundRecord | undefined> {
    const result = await this.#joinOrStartLookup(key).result;
    if (result === undefined) return undefined;
    // A change arrived during the lookup: its result is stale, so Postgres is asked again.
    if (this.#parts.memory.isStale(result)) return this.#ask(key);
    return this.#withStatus(result);
  }

  /**
   * Joins a running lookup only if no change arrived since its start: it may have read before a
   * change that this request must see.
   */
  #joinOrStartLookup(key: string): Lookup {
    const { version } = this.#parts.revisions;
    const running = this.#lookups.get(key);
    if (running?.version === version) return running;
    const result = this.#lookUp(key).finally(() => {
      if (this.#lookups.get(key) === lookup) this.#lookups.delete(key);
    });
    const lookup = { version, result };
    this.#lookups.set(key, lookup);
    return lookup;
  }

  async #lookUp(key: string): Promise<CacheEntry<KeyRecord> | undefined> {
    const { memory, clock, onSource } = this.#parts;
    // One reading of the keyring: a rotation meanwhile must leave no pepper untried.
    const [current, ...older] = this.#parts.keyring;
    const digest = digestSecret(current, key);
    const packed = await this.#stored.add(digest.digest).catch(() => undefined);
    const stored = packed && this.#toEntry(packed);
    if (stored !== undefined && memory.put(key, stored, clock.monotonicMs())) {
      onSource('redis');
      return stored;
    }
    const found = await this.#read(key, [digest, ...older.map((pepper) => digestSecret(pepper, key))]);
    if (found === undefined) return undefined;
    const { entry, readAtMs } = found;
    const { record, asOfSeq } = entry;
    if (isWaiting(record)) return entry;
    const nowMs = clock.monotonicMs();
    if (!memory.put(key, entry, nowMs)) return entry;
    const leftMs = recordLifeMs - (nowMs - entry.readAtMs);
    void writeRecord(this.#parts, digest.digest, { record, readAtMs, asOfSeq }, leftMs).catch(
      () => undefined,
    );
    return entry;
  }

  #toEntry({ record, readAtMs, asOfSeq }: PackedRecord): CacheEntry<KeyRecord> {
    const { clock } = this.#parts;
    return new CacheEntry(record, clock.monotonicMs() - clock.ageMs(readAtMs), asOfSeq);
  }

  async #ask(key: string): Promise<FoundRecord | undefined> {
    const { keyring } = this.#parts;
    const older = keyring.slice(1).map((pepper) => digestSecret(pepper, key));
    const found = await this.#read(key, [digestSecret(keyring[0], key), ...older]);
    if (found === undefined) return undefined;
    const { entry, organizationActive } = found;
    return { record: entry.record, organizationActive, entry };
  }

  /** The first digest is under the current pepper. */
  async #read(key: string, digests: readonly [KeyDigest, ...KeyDigest[]]): Promise<Found | undefined> {
    const { onSource, onOldPepper, foreign } = this.#parts;
    const [current] = digests;
    onSource('postgres');
    const found = await this.#readNow(digests);
    if (found !== undefined) {
      const { entry, pepperId } = found;
      if (pepperId !== current.pepperId) onOldPepper(entry.record.id, pepperId, current);
      return found;
    }
    if (!foreign?.keys.isDeclared(key)) return undefined;
    const imported = await this.#readImported(foreign, key, digests);
    if (imported !== undefined) foreign.keys.noteFirstUse(imported.entry.record.id, current);
    return imported;
  }

  /**
   * A key that is stored by its imported hash. It is looked for by its own digests too: another
   * process may have given it these meanwhile.
   */
  async #readImported(
    { keys, findCandidates, findConfirmedCandidates }: NonNullable<KeyRecordParts['foreign']>,
    key: string,
    digests: readonly KeyDigest[],
  ): Promise<Found | undefined> {
    const find = this.#parts.lease.isHeld() ? findCandidates : findConfirmedCandidates;
    const candidates = await keys.findCandidates(find, key);
    const fast = keys.fastDigests(candidates, key);
    const found = fast.length > 0 ? await this.#readNow([...digests, ...fast]) : undefined;
    if (found !== undefined || candidates.hashes.length === 0) return found;
    const slow = await keys.slowDigest(candidates, key);
    return slow && this.#readNow([...digests, slow]);
  }

  async #readNow(digests: Digests): Promise<(Found & { pepperId: string }) | undefined> {
    const { revisions, clock } = this.#parts;
    // Both before the query: its snapshot is later, and includes every change applied here.
    const [startMs, asOfSeq] = [clock.monotonicMs(), revisions.seq];
    const found = await this.#findNow(digests);
    if (found === undefined) return undefined;
    const { record, pepperId, organizationActive, readAtMs } = found;
    return { organizationActive, readAtMs, pepperId, entry: new CacheEntry(record, startMs, asOfSeq) };
  }

  #findNow(digests: Digests): Promise<FoundKeyRecord | undefined> {
    const { lease, findKeyRecord, findConfirmedKeyRecord } = this.#parts;
    return lease.isHeld() ? findKeyRecord(digests) : findConfirmedKeyRecord(digests);
  }
}
