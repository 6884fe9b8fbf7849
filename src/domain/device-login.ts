import { randomBase62 } from './base62.ts';
import type { RandomBytes } from './clock.ts';
import { placeOf } from './ip-address.ts';
import { digestsOf, hmac, type Keyring } from './key-digest.ts';

/** Device authorization (RFC 8628): a program asks, a person approves in the browser. */
export const deviceLoginLifeMs = 10 * 60_000;

/** Seconds between two polls, and what each early poll adds to them (RFC 8628 §3.5). */
export const pollSeconds = 5;
export const slowDownSeconds = 5;

/** Open requests of one network, and of all. A flood must not fill the table. */
export const openPerPlaceMax = 10;
export const openMax = 1_000;

/** Consonants that are not mistaken for each other, and make no words (RFC 8628 §6.1). */
const letters = 'BCDFGHJKLMNPQRSTVWXZ';
const userCodeLength = 8;
const deviceCodeLength = 40;

export type DeviceCodes = { deviceCode: string; userCode: string };

/** 238 bits for the program, and 34.5 for the person, whose guesses are throttled. */
export function newDeviceCodes(randomBytes: RandomBytes): DeviceCodes {
  return {
    deviceCode: randomBase62(randomBytes, deviceCodeLength),
    userCode: randomLetters(randomBytes, userCodeLength),
  };
}

/** Uniform: bytes of 240 and above are dropped, as 256 is no multiple of 20. */
function randomLetters(randomBytes: RandomBytes, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(2 * length)) {
      if (byte < 240 && text.length < length) text += letters[byte % letters.length];
    }
  }
  return text;
}

/** `BCDF-GHJK`, for people. */
export function shownUserCode(userCode: string): string {
  return `${userCode.slice(0, userCodeLength / 2)}-${userCode.slice(userCodeLength / 2)}`;
}

/** The code that a person typed, in any case and with any signs between its letters. */
export function typedUserCode(typed: string): string | undefined {
  const code = typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  const isCode = code.length === userCodeLength && [...code].every((letter) => letters.includes(letter));
  return isCode ? code : undefined;
}

/** Keyed hashes of a code, one for each live pepper, the current one first. */
export function deviceCodeDigests(keyring: Keyring, kind: 'device' | 'user', code: string): Buffer[] {
  return digestsOf(keyring, `device login\n${kind}\n${code}`).map(({ digest }) => digest);
}

/** Keyed hash of the network that asks; callers without a known address are one. */
export function devicePlace(keyring: Keyring, address: string | undefined): Buffer {
  return hmac(keyring[0], `device login\nplace\n${address === undefined ? 'unknown' : placeOf(address)}`);
}
