import type { FairBulkhead } from '../concurrency/fair-bulkhead.ts';
import { readTogether } from '../concurrency/read-together.ts';
import { placeOf } from '../domain/ip-address.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import { hashPassword, isOutdated, isPassword } from '../password-hash.ts';
import type { Lease } from '../revocation/lease.ts';
import type { MasterKeyHash } from '../stores/postgres/master-keys/master-keys.ts';
import { FingerprintTable } from './fingerprint-table.ts';

export type ChosenSecretParts = {
  lease: Pick<Lease, 'isHeld'>;
  /** The hashes of all chosen master keys that were not revoked. */
  listHashes(): Promise<readonly MasterKeyHash[]>;
  /** argon2 work, shared fairly among the client addresses. */
  hashing: FairBulkhead;
  saveHash(id: string, passwordHash: string): Promise<void>;
};

/** A presented secret with the address that it came from. */
export type PresentedSecret = { secret: string; ip: () => string | undefined };

/** The hashes, and the results of the secrets that were tried against them. */
type Hashes = {
  entries: readonly MasterKeyHash[];
  /** By secret, for as long as it is hashed. */
  attempts: Map<string, Promise<string | undefined>>;
  strangers: FingerprintTable<true>;
};

/**
 * Maximum age of the hashes, for those the feed does not announce: hashes stored by an earlier
 * release.
 */
const hashesLifeMs = 10_000;

/** 32 bytes each. Beyond it, wrong secrets are hashed again when they return. */
const strangersMax = 4_096;

/**
 * Tells which master key an operator-chosen secret belongs to, by argon2id.
 *
 * The hashes are kept in memory under the lease, so that an unknown secret costs no I/O. The change
 * feed says when a chosen key is created; `forgetHashes` then makes the next secret wait for a new
 * read. Without a lease every secret waits for a read that begins after it came; all share it.
 *
 * Equal secrets share one attempt, and one that matched nothing is not hashed again while the
 * hashes stay the same. Both hold only for the same hashes: a key that was just created is found at
 * once.
 */
export class ChosenSecrets {
  readonly #parts: ChosenSecretParts;
  readonly #read = readTogether(() => this.#readNow());
  #hashes: Hashes = withoutAttempts([]);
  #readAtMs = Number.NEGATIVE_INFINITY;
  #heard = 0;
  /** Value of `#heard` when the read of `#hashes` began. */
  #heardBefore = 0;

  constructor(parts: ChosenSecretParts) {
    this.#parts = parts;
  }

  /** The feed begins anew, so that changes of master keys may have been missed. */
  reset(): void {
    this.forgetHashes();
  }

  apply(changes: readonly AppliedChange[]): void {
    if (changes.some(({ kind }) => kind === 'master_key')) this.forgetHashes();
  }

  /** Called when a master key was created or ended. */
  forgetHashes(): void {
    this.#heard++;
  }

  /**
   * The id of the master key, or undefined. Rejects with `TOO_MANY_ATTEMPTS` when too many secrets
   * are being hashed.
   */
  async identify(presented: PresentedSecret): Promise<string | undefined> {
    const hashes = this.#remembered() ?? (await this.#read());
    if (hashes.entries.length === 0 || hashes.strangers.get(presented.secret)) return undefined;
    return hashes.attempts.get(presented.secret) ?? this.#attempt(hashes, presented);
  }

  #remembered(): Hashes | undefined {
    const isCurrent = this.#heardBefore === this.#heard && this.#parts.lease.isHeld();
    return isCurrent && performance.now() - this.#readAtMs < hashesLifeMs ? this.#hashes : undefined;
  }

  async #readNow(): Promise<Hashes> {
    const [heardBefore, readAtMs] = [this.#heard, performance.now()];
    const entries = await this.#parts.listHashes();
    if (!isSame(entries, this.#hashes.entries)) this.#hashes = withoutAttempts(entries);
    this.#heardBefore = heardBefore;
    this.#readAtMs = readAtMs;
    return this.#hashes;
  }

  #attempt(hashes: Hashes, { secret, ip }: PresentedSecret): Promise<string | undefined> {
    const address = ip();
    const place = address === undefined ? 'unknown' : placeOf(address);
    const attempt = this.#parts.hashing
      .run(place, () => this.#match(hashes.entries, secret))
      .then((id) => {
        if (id === undefined) hashes.strangers.set(secret, true);
        return id;
      })
      .finally(() => hashes.attempts.delete(secret));
    hashes.attempts.set(secret, attempt);
    return attempt;
  }

  async #match(entries: readonly MasterKeyHash[], secret: string): Promise<string | undefined> {
    for (const { id, passwordHash } of entries) {
      if (!(await isPassword(secret, passwordHash))) continue;
      if (isOutdated(passwordHash)) await this.#renew(id, secret);
      return id;
    }
    return undefined;
  }

  /** A read-only database must not refuse this caller; a later process renews the hash. */
  async #renew(id: string, secret: string): Promise<void> {
    const renewed = await hashPassword(secret);
    await this.#parts.saveHash(id, renewed).catch(() => undefined);
  }
}

function withoutAttempts(entries: readonly MasterKeyHash[]): Hashes {
  return { entries, attempts: new Map(), strangers: new FingerprintTable(strangersMax) };
}

function isSame(some: readonly MasterKeyHash[], others: readonly MasterKeyHash[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ id, passwordHash }, index) => {
      const other = others[index];
      return other?.id === id && other.passwordHash === passwordHash;
    })
  );
}
