import { hash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Bulkhead } from '../domain/bulkhead.ts';
import { digestSecret, digestsOf, type KeyDigest, type Keyring } from '../domain/key-digest.ts';
import type { KeyRecord } from '../domain/key-record.ts';
import type { MaybeLater } from '../domain/maybe-later.ts';
import type { Database } from '../stores/postgres/database.ts';
import type { ServerClock } from '../stores/postgres/server-clock.ts';
import { type FoundKeyRecord, findKeyRecord } from '../stores/postgres/verify-records.ts';
import { readRecord, writeRecord } from '../stores/redis/records.ts';
import type { Lease } from './lease.ts';
import { type Entry, type RecordCache, recordLifeMs } from './record-cache.ts';
import type { RefusedOrganizations } from './refused-organizations.ts';
import type { RememberedRevisions } from './remembered-revisions.ts';

export type RecordSource = 'memory' | 'redis' | 'postgres';

/** `readAtMs`: the database server's time when the record was read there, however long ago. */
export type FoundRecord = { record: KeyRecord; organizationActive: boolean; readAtMs: number };

export type KeyRecordParts = {
  keyring: Keyring;
  lease: Pick<Lease, 'isHeld'>;
  clock: Pick<ServerClock, 'nowMs'>;
  memory: RecordCache<KeyRecord>;
  revisions: RememberedRevisions;
  refusedOrganizations: RefusedOrganizations;
  redis: Redis;
  db: Database;
  bulkhead: Bulkhead;
  /** A key was found under an old pepper and should move to the current one, some time after the answer. */
  onOldPepper: (keyId: string, fromPepperId: string, to: KeyDigest) => void;
  onSource: (source: RecordSource) => void;
};

type Flight = Readonly<Entry<KeyRecord>> | undefined;

/**
 * Where the record of a presented key comes from: memory, else Redis, else Postgres, with one flight for each key however many
 * ask. A cache changes only where a record comes from, never what is checked. Without a lease only Postgres may be asked,
 * and each request asks for itself: a flight that began earlier may have read before a revoke that this request must see.
 */
export class KeyRecords {
  readonly #parts: KeyRecordParts;
  readonly #flights = new Map<string, Promise<Flight>>();

  constructor(parts: KeyRecordParts) {
    this.#parts = parts;
  }

  /**
   * At once when memory has it. Undefined when there is no such key; rejects with `DEPENDENCY_UNAVAILABLE` or `OVERLOADED` when that
   * cannot be known.
   */
  find(key: string): MaybeLater<FoundRecord | undefined> {
    const { lease, clock, memory } = this.#parts;
    if (!lease.isHeld()) return this.#ask(key);
    // Process memory may be keyed by a plain fast hash: it never leaves the process, and the peppered HMAC costs ten times as much.
    const fingerprint = hash('sha256', key, 'base64');
    const remembered = memory.find(fingerprint, clock.nowMs());
    if (remembered === undefined) return this.#share(fingerprint, key);
    this.#parts.onSource('memory');
    return this.#withStatus(remembered);
  }

  /** Under a lease the set of refused organizations knows more than any record can. */
  #withStatus({ record, readAtMs }: Readonly<Entry<KeyRecord>>): FoundRecord {
    const organizationActive = !this.#parts.refusedOrganizations.has(record.organizationId);
    return { record, organizationActive, readAtMs };
  }

  async #share(fingerprint: string, key: string): Promise<FoundRecord | undefined> {
    const landed = await (this.#flights.get(fingerprint) ?? this.#takeOff(fingerprint, key));
    if (landed === undefined) return undefined;
    // The flight may have read before a change that this request, which joined it later, must already see.
    return this.#parts.revisions.isStale(landed.record) ? this.#ask(key) : this.#withStatus(landed);
  }

  #takeOff(fingerprint: string, key: string): Promise<Flight> {
    const flight = this.#fly(fingerprint, key).finally(() => this.#flights.delete(fingerprint));
    this.#flights.set(fingerprint, flight);
    return flight;
  }

  async #fly(fingerprint: string, key: string): Promise<Flight> {
    const { keyring, redis, revisions, memory, clock, onSource } = this.#parts;
    const digest = digestSecret(keyring[0], key);
    const packed = await readRecord(redis, digest.digest).catch(() => undefined);
    const isFresh = packed !== undefined && clock.nowMs() - packed.readAtMs < recordLifeMs;
    if (isFresh && !revisions.isStale(packed.record)) {
      memory.put(fingerprint, packed, clock.nowMs());
      onSource('redis');
      return packed;
    }
    const found = await this.#read(key);
    if (found === undefined) return undefined;
    if (revisions.isStale(found.record)) return found;
    memory.put(fingerprint, found, clock.nowMs());
    const ageMs = clock.nowMs() - found.readAtMs;
    void writeRecord(redis, digest.digest, found, recordLifeMs - ageMs).catch(() => undefined);
    return found;
  }

  async #ask(key: string): Promise<FoundRecord | undefined> {
    return this.#read(key);
  }

  async #read(key: string): Promise<FoundKeyRecord | undefined> {
    const { bulkhead, db, keyring, onSource, onOldPepper } = this.#parts;
    onSource('postgres');
    const found = await bulkhead.run(() => findKeyRecord(db, digestsOf(keyring, key)));
    if (found !== undefined && found.pepperId !== keyring[0].id) {
      onOldPepper(found.record.id, found.pepperId, digestSecret(keyring[0], key));
    }
    return found;
  }
}
