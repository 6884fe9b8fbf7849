import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FlowplateError } from '../domain/errors.ts';
import { fetchKeys } from './fetch-keys.ts';

export type ScannerKeyParts = {
  /** A URL, or the name of a file; undefined without a scanner that signs so. */
  from: URL | string | undefined;
  nowMs: () => number;
  /** A read that failed. */
  onFault(error: unknown): void;
};

/** An unknown identifier causes a read at most this often: anybody can make one up. */
const readEveryMs = 60_000;

const document = z.object({
  public_keys: z.array(z.object({ key_identifier: z.string(), key: z.string() })),
});

/**
 * The public keys under which a secret scanner signs, in GitHub's format, as PEM by identifier. A
 * read is single flight, takes at most five seconds and a mebibyte, and happens for an unknown
 * identifier alone. While keys cannot be read, those that are known stay.
 */
export class ScannerKeys {
  readonly #parts: ScannerKeyParts;
  #keys: ReadonlyMap<string, string> = new Map();
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #reading: Promise<void> | undefined;

  constructor(parts: ScannerKeyParts) {
    this.#parts = parts;
  }

  /**
   * Undefined when the scanner has no such key. Rejects with `DEPENDENCY_UNAVAILABLE` when that
   * cannot be known.
   */
  async find(identifier: string): Promise<string | undefined> {
    const { from, nowMs } = this.#parts;
    if (from === undefined) return undefined;
    const known = this.#keys.get(identifier);
    if (known !== undefined) return known;
    if (this.#reading !== undefined || nowMs() - this.#triedAtMs >= readEveryMs) await this.#read(from);
    const found = this.#keys.get(identifier);
    if (found === undefined && this.#hasFailed) throw new FlowplateError('DEPENDENCY_UNAVAILABLE');
    return found;
  }

  /** Never rejects. */
  #read(from: URL | string): Promise<void> {
    this.#reading ??= this.#readNow(from).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(from: URL | string): Promise<void> {
    this.#triedAtMs = this.#parts.nowMs();
    try {
      const text = typeof from === 'string' ? await readFile(from, 'utf8') : await fetchKeys(from);
      const { public_keys } = document.parse(JSON.parse(text));
      this.#keys = new Map(public_keys.map(({ key_identifier, key }) => [key_identifier, key]));
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      this.#parts.onFault(error);
    }
  }
}
