import { timingSafeEqual } from 'node:crypto';
import { type ForeignPatterns, isForeignKey } from '../domain/foreign-pattern.ts';
import { openImportedHash, openImportSecret } from '../domain/import-seal.ts';
import { bcryptBytesMax, computeHash, digestRecipeHash, isSlow, lookupsOf } from '../domain/imported-hash.ts';
import type { KeyDigest, Keyring } from '../domain/key-digest.ts';
import type {
  FindImportCandidates,
  ImportCandidates,
  SealedHash,
  UsedRecipe,
} from '../stores/postgres/user-keys/imported-keys.ts';
import type { SlowHashes } from './slow-hashes.ts';

export type ForeignKeyParts = {
  patterns: ForeignPatterns;
  keyring: Keyring;
  slowHashes: Pick<SlowHashes, 'isMatch'>;
  /** Of a key that was presented for the first time; after the answer. */
  onFirstUse: (keyId: string, to: KeyDigest) => void;
  /** A presented key is longer than bcrypt reads. It is refused, never cut. */
  onTooLongForBcrypt: () => void;
};

/** Of a presented key at most: import refuses more for one lookup, but lookups may nest. */
const slowCandidatesMax = 8;

/**
 * Recognises keys of other products by the hashes that were imported. Only text of a declared
 * pattern is looked for; everything else is refused without I/O, as a malformed key of ours is.
 */
export class ForeignKeys {
  readonly #parts: ForeignKeyParts;

  constructor(parts: ForeignKeyParts) {
    this.#parts = parts;
  }

  isDeclared(text: string): boolean {
    return isForeignKey(this.#parts.patterns, text);
  }

  /** Reads what the key has to be compared with. */
  findCandidates(find: FindImportCandidates, key: string): Promise<ImportCandidates> {
    return find(lookupsOf(key));
  }

  /** Digests of the key, if it was imported by a hash that can be searched for. */
  fastDigests({ recipes }: ImportCandidates, key: string): KeyDigest[] {
    const { keyring } = this.#parts;
    return recipes.flatMap((recipe) => {
      const hash = this.#computeHash(recipe, key);
      return hash === undefined ? [] : keyring.map((pepper) => digestRecipeHash(pepper, recipe.id, hash));
    });
  }

  #computeHash({ secret, ...recipe }: UsedRecipe, key: string): string | undefined {
    if (recipe.secretName === null) return computeHash(recipe, key);
    const opened = secret && openImportSecret(this.#parts.keyring, secret);
    return opened ? computeHash(recipe, key, opened) : undefined;
  }

  /**
   * The digest under which the key is stored, if it was imported with a lookup. Compares one after
   * another, the longest lookup first. Rejects with `OVERLOADED` when too many are compared.
   */
  async slowDigest({ hashes }: ImportCandidates, key: string): Promise<KeyDigest | undefined> {
    for (const candidate of hashes.slice(0, slowCandidatesMax)) {
      if (await this.#isMatch(candidate, key))
        return { pepperId: candidate.pepperId, digest: candidate.importDigest };
    }
    return undefined;
  }

  async #isMatch(candidate: SealedHash, key: string): Promise<boolean> {
    const foreign = openImportedHash(this.#parts.keyring, candidate);
    if (foreign === undefined) return false;
    const { algorithm, hash } = foreign;
    if (!isSlow(algorithm)) return isSameHash(computeHash({ ...foreign, algorithm }, key), hash);
    if (algorithm === 'bcrypt' && Buffer.byteLength(key) > bcryptBytesMax) {
      this.#parts.onTooLongForBcrypt();
      return false;
    }
    return this.#parts.slowHashes.isMatch(candidate.lookup, { algorithm, key, hash });
  }

  noteFirstUse(keyId: string, to: KeyDigest): void {
    this.#parts.onFirstUse(keyId, to);
  }
}

/** Compares in constant time. Both are hex, of one algorithm. */
function isSameHash(computed: string | undefined, hash: string): boolean {
  return computed !== undefined && timingSafeEqual(Buffer.from(computed, 'hex'), Buffer.from(hash, 'hex'));
}
