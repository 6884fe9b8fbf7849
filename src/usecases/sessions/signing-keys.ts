import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readTogether } from '../../concurrency/read-together.ts';
import type { Clock, RandomBytes } from '../../domain/clock.ts';
import { newId } from '../../domain/ids.ts';
import type { Keyring } from '../../domain/key-digest.ts';
import { openUnderPepper, sealUnderPepper } from '../../domain/pepper-seal.ts';
import { signingMs } from '../../domain/session.ts';
import type { Database } from '../../stores/postgres/database.ts';
import {
  insertSigningKey,
  listSigningKeys,
  lockSigningKeys,
  type StoredSigningKey,
} from '../../stores/postgres/sessions/signing-keys.ts';

const purpose = 'signing key';

export type SigningKey = { id: string; privateKey: KeyObject };

export type SigningKeyParts = {
  db: Database;
  /** Pool for reads that unauthenticated callers can cause, by a token with a made-up key id. */
  strangersDb: Database;
  clock: Clock;
  randomBytes: RandomBytes;
  keyring: Keyring;
};

/**
 * Ed25519 keys that sign tokens, shared by all replicas through Postgres. The private half is
 * sealed under the pepper. When its pepper is gone, a new key is created and the old one still
 * verifies.
 */
export class SigningKeys {
  readonly #parts: SigningKeyParts;
  /** Made-up key ids that arrive together share a query, one at a time. */
  readonly #reread = readTogether(async () => this.#take(await listSigningKeys(this.#parts.strangersDb)));
  #known = new Map<string, KeyObject>();

  constructor(parts: SigningKeyParts) {
    this.#parts = parts;
  }

  /** The public key with this id, or undefined. */
  async find(id: string): Promise<KeyObject | undefined> {
    if (!this.#known.has(id)) await this.#reread();
    return this.#known.get(id);
  }

  /** The signing key: the newest while it is young enough, otherwise a new one. */
  async current(): Promise<SigningKey> {
    const { db } = this.#parts;
    const stored = await listSigningKeys(db);
    return (
      this.#usable(stored[0]) ??
      db.transaction().execute(async (tx) => {
        await lockSigningKeys(tx);
        const [newest] = await listSigningKeys(tx);
        const usable = this.#usable(newest);
        if (usable !== undefined) return usable;
        const { key, privateKey } = this.#make();
        await insertSigningKey(tx, key);
        return { id: key.id, privateKey };
      })
    );
  }

  #usable(stored: StoredSigningKey | undefined): SigningKey | undefined {
    if (stored === undefined) return undefined;
    const ageMs = this.#parts.clock.now().getTime() - stored.createdAt.getTime();
    if (ageMs >= signingMs) return undefined;
    const sealed = { pepperId: stored.pepperId, sealed: stored.sealedPrivateKey };
    const pem = openUnderPepper(this.#parts.keyring, purpose, stored.id, sealed);
    return pem === undefined ? undefined : { id: stored.id, privateKey: createPrivateKey(pem) };
  }

  #make(): { key: StoredSigningKey; privateKey: KeyObject } {
    const { clock, randomBytes, keyring } = this.#parts;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const id = newId('signingKey', clock.now(), randomBytes);
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const { sealed, pepperId } = sealUnderPepper(keyring, purpose, id, pem);
    const key = {
      id,
      publicKey: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      sealedPrivateKey: sealed,
      pepperId,
      createdAt: clock.now(),
    };
    return { key, privateKey };
  }

  #take(stored: readonly StoredSigningKey[]): void {
    const keyOf = ({ id, publicKey }: StoredSigningKey) => this.#known.get(id) ?? createPublicKey(publicKey);
    this.#known = new Map(stored.map((key) => [key.id, keyOf(key)]));
  }
}
