import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FlowplateError } from '../domain/errors.ts';
import { fetchKeys } from './fetch-keys.ts';
import { PublishedKeys, type PublishedKeysParts } from './published-keys.ts';

export type ScannerKeyParts = {
  /** A URL, or the name of a file; undefined without a scanner that signs so. */
  from: URL | string | undefined;
} & Pick<PublishedKeysParts<unknown>, 'nowMs' | 'onFault'>;

const document = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })),
});

/** The public keys under which a secret scanner signs, in GitHub's format, as PEM by identifier. */
export class ScannerKeys {
  readonly #published: PublishedKeys<ReadonlyMap<string, string>> | undefined;

  constructor({ from, ...parts }: ScannerKeyParts) {
    if (from === undefined) return;
    const read = () => (typeof from === 'string' ? readFile(from, 'utf8') : fetchKeys(from));
    this.#published = new PublishedKeys({ ...parts, read, parse });
  }

  /**
   * Undefined when the scanner has no such key. Rejects with `DEPENDENCY_UNAVAILABLE` when that
   * cannot be known.
   */
  async find(identifier: string): Promise<string | undefined> {
    const published = this.#published;
    if (published === undefined) return undefined;
    published.keepFresh();
    const known = published.keys?.get(identifier);
    if (known !== undefined) return known;
    await published.readAgain();
    const found = published.keys?.get(identifier);
    if (found === undefined && published.hasFailed) throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
    return found;
  }
}

function parse(text: string): ReadonlyMap<string, string> {
  const { public_keys } = document.parse(JSON.parse(text));
  return new Map(public_keys.map(({ key_identifier, key }) => [key_identifier, key]));
}
