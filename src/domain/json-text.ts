import { isKeptNumber } from './kept-number.ts';

/** Scanner over the text of JSON that `JSON.parse` has already accepted. */
export const quote = 0x22;
export const comma = 0x2c;
export const colon = 0x3a;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;

const space = 0x20;
const minus = 0x2d;
const digit0 = 0x30;
const digit9 = 0x39;
const backslash = 0x5c;

/** Result when the fast scan cannot tell: a number may lose digits, or a name has an escape. */
export const inDoubt = -1;

/**
 * Number of members in the text, or `inDoubt`. Every verification waits for this, so the loop over
 * a string stands here and not in a function of its own: 0.2 µs instead of 0.4 for a body of 180
 * bytes.
 */
export function countMembersIn(text: string): number {
  let members = 0;
  let hasEscape = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      hasEscape = false;
      for (at++; text.charCodeAt(at) !== quote; at++) {
        if (text.charCodeAt(at) !== backslash) continue;
        hasEscape = true;
        at++;
      }
    } else if (code === colon) {
      if (hasEscape) return inDoubt;
      members++;
    } else if (beginsNumber(code)) {
      const end = endOfWord(text, at);
      if (!isKeptNumber(text, at, end)) return inDoubt;
      at = end - 1;
    }
  }
  return members;
}

/** The closing quote of the string that opens at `start`. */
export function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text.charCodeAt(end) !== quote) end += text.charCodeAt(end) === backslash ? 2 : 1;
  return end;
}

/**
 * Where a number, `true`, `false` or `null` ends: before a comma, a closing bracket, a blank, or
 * with the text.
 */
export function endOfWord(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && isOfWord(text.charCodeAt(end))) end++;
  return end;
}

function isOfWord(code: number): boolean {
  return !isBlank(code) && code !== comma && code !== closeBrace && code !== closeBracket;
}

export function beginsNumber(code: number): boolean {
  return (code >= digit0 && code <= digit9) || code === minus;
}

export function isBlank(code: number): boolean {
  return code <= space;
}
