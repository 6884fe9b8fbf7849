import type { RandomBytes } from './clock.ts';

/**
 * ASCII order, so that encoded numbers of one width sort like the numbers (under a bytewise
 * collation).
 */
export const base62Alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The lowest `width` digits of a whole number below 2^53. */
export function encodeBase62(value: number, width: number): string {
  let rest = value;
  let text = '';
  for (let position = 0; position < width; position++) {
    text = base62Alphabet[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** The number that `encodeBase62` wrote; undefined for a text with another character. */
export function decodeBase62(text: string): number | undefined {
  let value = 0;
  for (const digit of text) {
    const place = base62Alphabet.indexOf(digit);
    if (place < 0) return undefined;
    value = value * 62 + place;
  }
  return value;
}

/**
 * Uniform random digits. Bytes of 248 and above are dropped: 256 is no multiple of 62, and a plain
 * `%` would favour `0`–`7`.
 */
export function randomBase62(randomBytes: RandomBytes, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length + (length >> 1))) {
      if (byte < 248 && text.length < length) text += base62Alphabet[byte % 62];
    }
  }
  return text;
}

export function isBase62(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isDigit = code >= 48 && code <= 57;
    const isUpper = code >= 65 && code <= 90;
    const isLower = code >= 97 && code <= 122;
    if (!isDigit && !isUpper && !isLower) return false;
  }
  return true;
}
