import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBase62, isBase62, randomBase62 } from '../../src/domain/base62.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

test('each of the 62 digits is as likely as every other', () => {
  const drawn = 124_000;
  const counts = new Map<string, number>();
  for (const digit of randomBase62(randomBytes, drawn)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  expect([...counts.keys()].sort()).toEqual([...alphabet].sort());
  const expected = drawn / 62;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 61 degrees of freedom: beyond 140 lies one run in ten million. A plain modulo would stand near
  // 3,000.
  expect(chiSquare).toBeLessThan(140);
});

test('the bytes 248 to 255, which have no digit of their own, are thrown away', () => {
  const all = (size: number) => Uint8Array.from({ length: size }, (_, index) => 255 - index);
  expect(randomBase62(all, 40)).toBe(
    [...all(60)]
      .filter((byte) => byte < 248)
      .map((byte) => alphabet[byte % 62])
      .join('')
      .slice(0, 40),
  );
});

test('a source that first gives only unusable bytes is asked again', () => {
  let asked = 0;
  const source = (size: number) => new Uint8Array(size).fill(asked++ === 0 ? 255 : 61);
  expect(randomBase62(source, 4)).toBe('zzzz');
  expect(asked).toBe(2);
});

test('a random text has exactly the length that was asked for', () => {
  fc.assert(
    fc.property(fc.nat(200), (length) => {
      expect(randomBase62(randomBytes, length)).toHaveLength(length);
    }),
  );
});

test('an encoded number has its width and is the number again when it is read digit by digit', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const text = encodeBase62(value, 9);
      expect(text).toHaveLength(9);
      expect([...text].reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0)).toBe(value);
    }),
  );
});

test('a number that needs more digits than its width keeps the lowest ones', () => {
  expect(encodeBase62(62 ** 3 + 1, 3)).toBe('001');
});

test('encoded numbers of one width sort bytewise like the numbers', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
      const [first, second] = [encodeBase62(one, 9), encodeBase62(other, 9)];
      expect(Buffer.compare(Buffer.from(first), Buffer.from(second))).toBe(Math.sign(one - other));
    }),
  );
});

test('exactly the letters and digits of ASCII are base62', () => {
  for (let code = 0; code < 1_024; code++) {
    const letter = String.fromCharCode(code);
    expect(isBase62(letter)).toBe(alphabet.includes(letter));
  }
});
