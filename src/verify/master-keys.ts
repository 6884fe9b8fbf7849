import type { MaybeLater } from '../concurrency/maybe-later.ts';
import { digestSecret, digestsOf, type KeyDigest, type Keyring } from '../domain/key-digest.ts';
import { parseSecret } from '../domain/key-format.ts';
import { chosenSecretLengthMin, type MasterKey } from '../domain/master-key.ts';
import type { MasterKeyPrincipal } from '../domain/principal.ts';
import type { FindMasterKeyByDigest, ReadMasterKey } from '../stores/postgres/master-keys/look-ups.ts';
import type { ChosenSecrets, PresentedSecret } from './chosen-secrets.ts';
import { FingerprintTable } from './fingerprint-table.ts';
import { MasterKeyCache, type MasterKeyCacheParts } from './master-key-cache.ts';

export type MasterKeyReads = {
  /** Finds a generated secret that is not cached. Bounded, since anybody may make one up. */
  findByDigest: FindMasterKeyByDigest;
  /** Reads the row of an identified master key. Bounded separately from `findByDigest`. */
  readMasterKey: ReadMasterKey;
};

export type MasterKeyParts = MasterKeyCacheParts & {
  keyring: Keyring;
  /** Number of secrets whose owner is cached; others are identified again. */
  recognisedMax: number;
  /** How Postgres is read under a lease. */
  reads: MasterKeyReads;
  /** The same without a lease, from a server that can still commit. */
  confirmedReads: MasterKeyReads;
  /** Identifies an operator-chosen secret that is not cached. */
  chosenSecrets: Pick<ChosenSecrets, 'identify'>;
  rekey(id: string, fromPepperId: string, to: KeyDigest): Promise<void>;
};

/**
 * Authenticator of master keys: tells which one a presented secret is.
 *
 * Two steps. The owner of a secret never changes, so it is recognised once in a process, by a
 * digest or by argon2id. The row, with its rights and its end, is cached (master-key-cache.ts). A
 * known gateway then never waits behind made-up secrets, and a lapsed lease causes no new hash.
 */
export class MasterKeys {
  readonly #parts: MasterKeyParts;
  /** Master-key id by secret; the secret itself is not kept. */
  readonly #recognised: FingerprintTable<string>;
  readonly #cache: MasterKeyCache;

  constructor(parts: MasterKeyParts) {
    this.#parts = parts;
    this.#cache = new MasterKeyCache(parts);
    this.#recognised = new FingerprintTable(parts.recognisedMax);
  }

  /**
   * Synchronous when memory has the answer. Undefined for an unknown, expired or revoked secret,
   * and for a caller outside the key's address list. Rejects with `TOO_MANY_ATTEMPTS`, `OVERLOADED`
   * or `DEPENDENCY_UNAVAILABLE`.
   */
  identify(secret: string, ip: () => string | undefined): MaybeLater<MasterKeyPrincipal | undefined> {
    return this.#cache.identify(secret, ip, () => this.#read({ secret, ip }));
  }

  /**
   * Id of the living master key of a secret that the broker has made, for somebody who wants to end
   * it: from any address, also after its expiry, and without a use. Undefined for any other text.
   */
  async findHeld(secret: string): Promise<string | undefined> {
    const isMade = parseSecret(secret)?.kind === 'master';
    const masterKey = isMade ? await this.#readGenerated(secret) : undefined;
    return isAlive(masterKey) ? masterKey.id : undefined;
  }

  async #read(presented: PresentedSecret): Promise<MasterKey | undefined> {
    const id = this.#recognised.get(presented.secret);
    const masterKey = id === undefined ? undefined : await this.#reads().readMasterKey(id);
    if (isAlive(masterKey)) return masterKey;
    // An operator may choose the secret of a revoked master key again.
    this.#recognised.delete(presented.secret);
    if (parseSecret(presented.secret)?.kind === 'master') return this.#readGenerated(presented.secret);
    return presented.secret.length < chosenSecretLengthMin ? undefined : this.#readChosen(presented);
  }

  async #readGenerated(secret: string): Promise<MasterKey | undefined> {
    const { keyring } = this.#parts;
    const found = await this.#reads().findByDigest(digestsOf(keyring, secret));
    if (found === undefined) return undefined;
    const { masterKey, pepperId } = found;
    const isMoved = pepperId === keyring[0].id || (await this.#move(masterKey.id, pepperId, secret));
    if (isMoved && isAlive(masterKey)) this.#recognised.set(secret, masterKey.id);
    return masterKey;
  }

  /**
   * Moves the key to the current pepper. A read-only database still admits this caller; the next
   * success tries again.
   */
  #move(id: string, fromPepperId: string, secret: string): Promise<boolean> {
    const { keyring, rekey } = this.#parts;
    return rekey(id, fromPepperId, digestSecret(keyring[0], secret)).then(
      () => true,
      () => false,
    );
  }

  #reads(): MasterKeyReads {
    const { lease, reads, confirmedReads } = this.#parts;
    return lease.isHeld() ? reads : confirmedReads;
  }

  async #readChosen(presented: PresentedSecret): Promise<MasterKey | undefined> {
    const id = await this.#parts.chosenSecrets.identify(presented);
    if (id === undefined) return undefined;
    const masterKey = await this.#reads().readMasterKey(id);
    if (!isAlive(masterKey)) return undefined;
    this.#recognised.set(presented.secret, id);
    return masterKey;
  }
}

function isAlive(masterKey: MasterKey | undefined): masterKey is MasterKey {
  return masterKey !== undefined && masterKey.revokedAt === null;
}
