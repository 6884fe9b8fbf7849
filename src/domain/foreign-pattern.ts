import { secretKinds } from './key-format.ts';

/** Alphabets that a declared pattern may name, as the inside of a character class. */
const alphabets = {
  digits: '0-9',
  hex: '0-9A-Fa-f',
  uuid: '0-9A-Fa-f-',
  base32: 'A-Za-z2-7',
  base62: '0-9A-Za-z',
  base64url: '0-9A-Za-z_-',
  base64: '0-9A-Za-z+/=',
} as const;

type Alphabet = keyof typeof alphabets;

const lengthMin = 16;
const lengthMax = 256;
/** Without a prefix only its length tells a key from other words, so it has to be a long one. */
const bareLengthMin = 32;
const patternsMax = 32;
/** Of the characters behind its prefix, a lookup shows at least this many and hides these. */
const shownMin = 4;
const hiddenMin = 16;

export const foreignPatternsRule = `must be <prefix>:<alphabet>:<length>, several separated by commas (at most ${patternsMax}). The prefix has at most 32 of A-Z a-z 0-9 _ . - and is not one of Flowplate's. The alphabet is one of ${Object.keys(alphabets).join(', ')}. The length behind the prefix is a number or <from>-<to> between ${lengthMin} and ${lengthMax}, and at least ${bareLengthMin} without a prefix`;

/**
 * Declared shape of keys that another product has made: a prefix, an alphabet, and the number of
 * characters behind the prefix. Nothing more, so that matching costs linear time whatever is
 * presented (no catastrophic regular expressions), and redaction knows what to cut.
 */
export class ForeignPattern {
  readonly prefix: string;
  readonly lengthFrom: number;
  readonly lengthTo: number;
  readonly #alphabet: Alphabet;
  readonly #whole: RegExp;
  readonly #part: RegExp;

  constructor(prefix: string, alphabet: Alphabet, lengthFrom: number, lengthTo: number) {
    this.prefix = prefix;
    this.lengthFrom = lengthFrom;
    this.lengthTo = lengthTo;
    this.#alphabet = alphabet;
    this.#whole = new RegExp(`^[${alphabets[alphabet]}]{${lengthFrom},${lengthTo}}$`);
    this.#part = new RegExp(`^[${alphabets[alphabet]}]{${shownMin},}$`);
  }

  /** Whether a presented text has this shape. */
  isShapeOf(text: string): boolean {
    return text.startsWith(this.prefix) && this.#whole.test(text.slice(this.prefix.length));
  }

  /**
   * Whether a text may be the lookup of such keys: the prefix, some characters that differ, and
   * enough of them left hidden.
   */
  isLookup(text: string): boolean {
    const shown = text.length - this.prefix.length;
    return (
      shown <= this.lengthFrom - hiddenMin &&
      text.startsWith(this.prefix) &&
      this.#part.test(text.slice(this.prefix.length))
    );
  }

  /** Finds such keys inside of another text, for redaction. Linear: a run is tried once. */
  get inText(): RegExp {
    const one = `[${alphabets[this.#alphabet]}]`;
    return this.prefix === ''
      ? new RegExp(`(?<!${one})${one}{${this.lengthFrom},${this.lengthTo}}(?!${one})`, 'g')
      : new RegExp(`${this.prefix.replaceAll('.', '\\.')}${one}{${this.lengthFrom},}`, 'g');
  }

  /** As it was declared. */
  toString(): string {
    const { prefix, lengthFrom, lengthTo } = this;
    return `${prefix}:${this.#alphabet}:${lengthFrom === lengthTo ? lengthFrom : `${lengthFrom}-${lengthTo}`}`;
  }
}

export type ForeignPatterns = readonly ForeignPattern[];

/** Whether a text has the shape of a key of another product. No I/O. */
export function isForeignKey(patterns: ForeignPatterns, text: string): boolean {
  return patterns.some((pattern) => pattern.isShapeOf(text));
}

/** Reads a declaration; undefined when it breaks `foreignPatternsRule`. An empty text is none. */
export function parseForeignPatterns(text: string): ForeignPatterns | undefined {
  const entries = text.trim() === '' ? [] : text.split(',');
  const patterns = entries.map((entry) => parsePattern(entry.trim()));
  if (patterns.length > patternsMax || patterns.includes(undefined)) return undefined;
  return patterns as ForeignPattern[];
}

function parsePattern(text: string): ForeignPattern | undefined {
  const [, prefix = '', alphabet = '', from, to = from] =
    /^([A-Za-z0-9_.-]{0,32}):([a-z0-9]+):(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
  if (!Object.hasOwn(alphabets, alphabet) || isOurs(prefix)) return undefined;
  const [lengthFrom, lengthTo] = [Number(from), Number(to)];
  const least = prefix === '' ? bareLengthMin : lengthMin;
  if (lengthFrom < least || lengthTo < lengthFrom || lengthTo > lengthMax) return undefined;
  return new ForeignPattern(prefix, alphabet as Alphabet, lengthFrom, lengthTo);
}

/** A key of ours is never looked for among foreign ones, whatever was declared. */
function isOurs(prefix: string): boolean {
  return Object.values(secretKinds).some((kind) => prefix.startsWith(kind));
}
