import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { FlowplateError } from '../domain/errors.ts';
import { fetchKeys } from './fetch-keys.ts';

export type IssuerKeyParts = {
  url: URL;
  nowMs: () => number;
  /** A read that failed. */
  onFault(error: unknown): void;
};

export type FoundKey = { key: Awaited<ReturnType<JWTVerifyGetKey>>; generation: number };

/** A token with an unknown key causes a read at most this often: anybody can make one up. */
const unknownPauseMs = 60_000;
/** After a failed read. */
const faultPauseMs = 5_000;
/** Keys are read again after this time, so that one that the issuer withdrew ends. */
const keysLifeMs = 600_000;

/**
 * The public keys of an issuer of tokens (JWKS, RFC 7517). Read at the first token, for an unknown
 * `kid`, and every ten minutes. While they cannot be read, those that are known stay.
 */
export class IssuerKeys {
  readonly #parts: IssuerKeyParts;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #text = '';
  #generation = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #reading: Promise<void> | undefined;

  constructor(parts: IssuerKeyParts) {
    this.#parts = parts;
  }

  /** Another number for other keys: what was verified under earlier ones is verified again. */
  get generation(): number {
    return this.#generation;
  }

  /** Reads old keys again, without making anybody wait. */
  keepFresh(): void {
    const isOld = this.#parts.nowMs() - this.#readAtMs > keysLifeMs;
    if (this.#keys !== undefined && isOld && !this.#isPausing()) void this.#read();
  }

  /**
   * The key of a token. Throws an error of jose for a key that the issuer does not have, and
   * `DEPENDENCY_UNAVAILABLE` when that cannot be known.
   */
  async find(...asked: Parameters<JWTVerifyGetKey>): Promise<FoundKey> {
    if (asked[0].kid === undefined) throw new errors.JWKSNoMatchingKey();
    const known = await this.#findNow(asked).catch(unlessUnknown);
    if (known !== undefined) return known;
    if (!this.#isPausing()) await this.#read();
    const found = this.#hasFailed ? undefined : await this.#findNow(asked);
    if (found === undefined) throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
    return found;
  }

  async #findNow(asked: Parameters<JWTVerifyGetKey>): Promise<FoundKey | undefined> {
    const [keys, generation] = [this.#keys, this.#generation];
    return keys && { key: await keys(...asked), generation };
  }

  #isPausing(): boolean {
    if (this.#reading !== undefined) return false;
    const pauseMs = this.#hasFailed ? faultPauseMs : unknownPauseMs;
    return this.#parts.nowMs() - this.#triedAtMs < pauseMs;
  }

  /** Single flight. Never rejects. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    this.#triedAtMs = this.#parts.nowMs();
    try {
      const text = await fetchKeys(this.#parts.url);
      const keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      if (text !== this.#text) this.#generation++;
      [this.#keys, this.#text, this.#readAtMs] = [keys, text, this.#triedAtMs];
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      this.#parts.onFault(error);
    }
  }
}

function unlessUnknown(error: unknown): undefined {
  if (error instanceof errors.JWKSNoMatchingKey) return undefined;
  throw error;
}
