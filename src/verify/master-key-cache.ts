import { type MaybeLater, mapMaybe } from '../concurrency/maybe-later.ts';
import { isIpAllowed } from '../domain/ip-allowlist.ts';
import { isUsable, type MasterKey, toPrincipal } from '../domain/master-key.ts';
import type { MasterKeyPrincipal } from '../domain/principal.ts';
import type { Lease } from '../revocation/lease.ts';
import type { RememberedRevisions } from '../revocation/remembered-revisions.ts';
import type { ServerClock } from '../revocation/server-clock.ts';
import { CacheEntry, type RecordCache } from './record-cache.ts';

export type MasterKeyCacheParts = {
  lease: Pick<Lease, 'isHeld'>;
  clock: ServerClock;
  memory: RecordCache<MasterKey>;
  revisions: Pick<RememberedRevisions, 'seq'>;
  /** Called for each admitted request. */
  onUse(id: string, nowMs: number): void;
};

/**
 * Master keys by credential, cached like key records: under the lease, and no older than a change.
 * Otherwise the row is read again, after the request arrived.
 */
export class MasterKeyCache {
  readonly #parts: MasterKeyCacheParts;

  constructor(parts: MasterKeyCacheParts) {
    this.#parts = parts;
  }

  /**
   * Synchronous when memory has the answer. Undefined for an unknown, expired or revoked
   * credential, and for a caller outside the key's address list.
   */
  identify(
    credential: string,
    ip: () => string | undefined,
    read: () => Promise<MasterKey | undefined>,
  ): MaybeLater<MasterKeyPrincipal | undefined> {
    return mapMaybe(this.#find(credential, read), (masterKey) => this.#admit(masterKey, ip));
  }

  #admit(masterKey: MasterKey | undefined, ip: () => string | undefined): MasterKeyPrincipal | undefined {
    const nowMs = this.#parts.clock.nowMs();
    if (masterKey === undefined || !isUsable(masterKey, nowMs)) return undefined;
    if (masterKey.ipAllowlist !== null && !isIpAllowed(masterKey.ipAllowlist, ip())) return undefined;
    this.#parts.onUse(masterKey.id, nowMs);
    return toPrincipal(masterKey);
  }

  #find(credential: string, read: () => Promise<MasterKey | undefined>): MaybeLater<MasterKey | undefined> {
    const { lease, memory, clock } = this.#parts;
    if (!lease.isHeld()) return read();
    const remembered = memory.get(credential, clock.monotonicMs());
    return remembered ?? this.#readAndRemember(credential, read);
  }

  async #readAndRemember(
    credential: string,
    read: () => Promise<MasterKey | undefined>,
  ): Promise<MasterKey | undefined> {
    const { memory, revisions, clock } = this.#parts;
    const [startMs, asOfSeq] = [clock.monotonicMs(), revisions.seq];
    const masterKey = await read();
    if (masterKey !== undefined) {
      memory.put(credential, new CacheEntry(masterKey, startMs, asOfSeq), clock.monotonicMs());
    }
    return masterKey;
  }
}
