import type { Bulkhead } from '../domain/bulkhead.ts';
import { isIpAllowed } from '../domain/ip-allowlist.ts';
import { digestSecret, digestsOf, type Keyring } from '../domain/key-digest.ts';
import { parseSecret } from '../domain/key-format.ts';
import { isUsable, type MasterKey, operatorSecretLengthMin, toPrincipal } from '../domain/master-key.ts';
import { type MaybeLater, whenThere } from '../domain/maybe-later.ts';
import { hashPassword, isOutdated, isPassword } from '../domain/password-hash.ts';
import type { MasterKeyPrincipal } from '../domain/principal.ts';
import type { Database } from '../stores/postgres/database.ts';
import {
  findMasterKey,
  findMasterKeyByDigest,
  listMasterKeyHashes,
  rekeyMasterKey,
  updateMasterKeyHash,
} from '../stores/postgres/master-keys.ts';
import type { ServerClock } from '../stores/postgres/server-clock.ts';
import { fingerprintOf } from './fingerprint-table.ts';
import type { Lease } from './lease.ts';
import { Entry, type RecordCache } from './record-cache.ts';
import type { RememberedRevisions } from './remembered-revisions.ts';

export type MasterKeyParts = {
  keyring: Keyring;
  lease: Pick<Lease, 'isHeld'>;
  clock: ServerClock;
  memory: RecordCache<MasterKey>;
  revisions: Pick<RememberedRevisions, 'seq'>;
  db: Database;
  /** Bounds the look-ups: anybody may send a made-up secret with a correct checksum. */
  lookups: Bulkhead;
  /** Bounds the hashes at work: they share the thread pool with everything else, and anybody may send a wrong secret. */
  hashing: Bulkhead;
  /** Called for each request that a master key is let in with. */
  onUse(id: string, nowMs: number): void;
};

/** Tells which master key a presented secret is. Remembered like key records: under the lease, and no older than a change. */
export class MasterKeys {
  readonly #parts: MasterKeyParts;

  constructor(parts: MasterKeyParts) {
    this.#parts = parts;
  }

  /**
   * At once when memory has it. Undefined for an unknown, expired or revoked secret and for a caller outside the key's address list,
   * all alike.
   */
  identify(secret: string, ip: () => string | undefined): MaybeLater<MasterKeyPrincipal | undefined> {
    return whenThere(this.#find(secret), (masterKey) => this.#admit(masterKey, ip));
  }

  #admit(masterKey: MasterKey | undefined, ip: () => string | undefined): MasterKeyPrincipal | undefined {
    const nowMs = this.#parts.clock.nowMs();
    if (masterKey === undefined || !isUsable(masterKey, nowMs)) return undefined;
    if (masterKey.ipAllowlist !== null && !isIpAllowed(masterKey.ipAllowlist, ip())) return undefined;
    this.#parts.onUse(masterKey.id, nowMs);
    return toPrincipal(masterKey);
  }

  #find(secret: string): MaybeLater<MasterKey | undefined> {
    const { lease, memory, clock } = this.#parts;
    if (!lease.isHeld()) return this.#read(secret);
    const fingerprint = fingerprintOf(secret);
    return memory.get(fingerprint, clock.monotonicMs()) ?? this.#readAndRemember(fingerprint, secret);
  }

  async #readAndRemember(fingerprint: string, secret: string): Promise<MasterKey | undefined> {
    const { memory, revisions, clock } = this.#parts;
    const [startMs, asOfSeq] = [clock.monotonicMs(), revisions.seq];
    const masterKey = await this.#read(secret);
    if (masterKey !== undefined) {
      memory.put(fingerprint, new Entry(masterKey, startMs, asOfSeq), clock.monotonicMs());
    }
    return masterKey;
  }

  #read(secret: string): Promise<MasterKey | undefined> {
    if (parseSecret(secret)?.kind === 'master') return this.#readGenerated(secret);
    return secret.length < operatorSecretLengthMin ? Promise.resolve(undefined) : this.#readChosen(secret);
  }

  async #readGenerated(secret: string): Promise<MasterKey | undefined> {
    const { db, keyring, lookups } = this.#parts;
    const found = await lookups.run(() => findMasterKeyByDigest(db, digestsOf(keyring, secret)));
    if (found !== undefined && found.pepperId !== keyring[0].id) {
      const digest = digestSecret(keyring[0], secret);
      // A database that is read-only just now still lets this caller in; the next success tries again.
      await rekeyMasterKey(db, found.masterKey.id, found.pepperId, digest).catch(() => undefined);
    }
    return found?.masterKey;
  }

  async #readChosen(secret: string): Promise<MasterKey | undefined> {
    const { db, hashing } = this.#parts;
    for (const { id, passwordHash } of await listMasterKeyHashes(db)) {
      if (!(await hashing.run(() => isPassword(secret, passwordHash)))) continue;
      if (isOutdated(passwordHash)) {
        const renewed = await hashing.run(() => hashPassword(secret));
        await updateMasterKeyHash(db, id, renewed).catch(() => undefined);
      }
      return findMasterKey(db, id);
    }
    return undefined;
  }
}
