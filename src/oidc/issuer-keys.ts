import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { FlowplateError } from '../domain/errors.ts';
import { fetchKeys } from './fetch-keys.ts';
import { PublishedKeys, type PublishedKeysParts } from './published-keys.ts';

export type IssuerKeyParts = { url: URL } & Pick<PublishedKeysParts<unknown>, 'nowMs' | 'onFault'>;

export type FoundKey = { key: Awaited<ReturnType<JWTVerifyGetKey>>; generation: number };

/** The public keys of an issuer of tokens (JWKS, RFC 7517). */
export class IssuerKeys {
  readonly #published: PublishedKeys<ReturnType<typeof createLocalJWKSet>>;

  constructor({ url, ...parts }: IssuerKeyParts) {
    const parse = (text: string) => createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    this.#published = new PublishedKeys({ ...parts, parse, read: () => fetchKeys(url) });
  }

  /** Another number for other keys: what was verified under earlier ones is verified again. */
  get generation(): number {
    return this.#published.generation;
  }

  /** Reads old keys again, without making anybody wait. */
  keepFresh(): void {
    this.#published.keepFresh();
  }

  /**
   * The key of a token. Throws an error of jose for a key that the issuer does not have, and
   * `DEPENDENCY_UNAVAILABLE` when that cannot be known.
   */
  async find(...asked: Parameters<JWTVerifyGetKey>): Promise<FoundKey> {
    if (asked[0].kid === undefined) throw new errors.JWKSNoMatchingKey();
    const known = await this.#findNow(asked).catch(unlessUnknown);
    if (known !== undefined) return known;
    await this.#published.readAgain();
    const found = this.#published.hasFailed ? undefined : await this.#findNow(asked);
    if (found === undefined) throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
    return found;
  }

  async #findNow(asked: Parameters<JWTVerifyGetKey>): Promise<FoundKey | undefined> {
    const { keys, generation } = this.#published;
    return keys && { key: await keys(...asked), generation };
  }
}

function unlessUnknown(error: unknown): undefined {
  if (error instanceof errors.JWKSNoMatchingKey) return undefined;
  throw error;
}
