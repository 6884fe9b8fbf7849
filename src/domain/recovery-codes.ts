import type { RandomBytes } from './clock.ts';
import { hmac, type Keyring } from './key-digest.ts';
import { recoveryCodesNumber } from './second-factor.ts';

/** Crockford's base 32: no letter looks like a digit. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const codeLength = 16;

/** Ten codes of 80 random bits, in groups of four that people can copy from paper. */
export function newRecoveryCodes(randomBytes: RandomBytes): string[] {
  return Array.from({ length: recoveryCodesNumber }, () => {
    const digits = [...randomBytes(codeLength)].map((byte) => alphabet[byte % alphabet.length]);
    return digits.join('').replace(/(.{4})(?!$)/g, '$1-');
  });
}

/**
 * Keyed hashes of a code of this account, one for each live pepper, the current one first. Case,
 * blanks and hyphens do not matter, and O, I and L are read as the digits they look like.
 */
export function recoveryCodeDigests(keyring: Keyring, userId: string, code: string): Buffer[] {
  const digits = code.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
  return keyring.map((pepper) => hmac(pepper, `recovery code\n${userId}\n${digits}`));
}
