import { type ParsedSecret, parseSecret, secretKinds, slugLengthMax, tailLength } from './key-format.ts';
import { keyPatterns } from './key-patterns.ts';
import { LinePlaces, type Place } from './line-places.ts';

export type FoundKey = Place & Pick<ParsedSecret, 'kind' | 'environment' | 'prefix'>;

const longestPrefix = Math.max(...Object.values(secretKinds).map(({ length }) => length));
const keyLengthMax = longestPrefix + slugLengthMax + '_'.length + tailLength;

/**
 * Finds real keys, by pattern and checksum, in a text that comes in pieces of any length. A key
 * that lies across two pieces is found, and each is found once. Bytes are given as latin1, so any
 * file can be read. NUL bytes are left out: a key in UTF-16 is then found too.
 */
export class KeyFinder {
  /** Too short for a piece of its own to hold a key that was not seen yet. */
  #before = '';
  readonly #places: LinePlaces;
  readonly #candidate = new RegExp(keyPatterns.map(({ pattern }) => pattern).join('|'), 'g');

  /** `name`: of the file. */
  constructor(name: string) {
    this.#places = new LinePlaces(name);
  }

  push(latin1: string): FoundKey[] {
    const piece = latin1.includes('\0') ? latin1.replaceAll('\0', '') : latin1;
    const text = this.#before + piece;
    const found: FoundKey[] = [];
    let placedTo = 0;
    for (const { index, key } of this.#keysIn(text)) {
      // It was found in the piece before.
      if (index + key.length <= this.#before.length) continue;
      // A key has no line break, so one that began before is on the line that goes on here.
      const start = Math.max(0, index - this.#before.length);
      this.#places.advance(piece, placedTo, start);
      placedTo = start;
      const { kind, environment, prefix } = parseSecret(key) as ParsedSecret;
      found.push({ ...this.#places.here(), kind, environment, prefix });
    }
    this.#places.advance(piece, placedTo, piece.length);
    this.#before = text.slice(-(keyLengthMax - 1));
    return found;
  }

  *#keysIn(text: string): Generator<{ index: number; key: string }> {
    this.#candidate.lastIndex = 0;
    for (;;) {
      const match = this.#candidate.exec(text);
      if (match === null) return;
      const [key] = match;
      if (parseSecret(key) !== undefined) yield { index: match.index, key };
      // A real key may begin inside of what only looks like one.
      else this.#candidate.lastIndex = match.index + 1;
    }
  }
}
