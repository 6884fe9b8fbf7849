import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Fingerprinter } from '../../src/verify/fingerprinter.ts';
import { halfSipHash64Vectors } from './half-sip-hash-vectors.ts';

const bothHalves = (key: Buffer) => Buffer.concat([key, key]);
const vectorKey = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]);

function fingerprint(text: string, fingerprinter: Fingerprinter): string {
  fingerprinter.take(text);
  return Buffer.from(fingerprinter.words.buffer).toString('hex');
}

test('each half is HalfSipHash-2-4 with 64 bits, as published', () => {
  const fingerprinter = new Fingerprinter(bothHalves(vectorKey));
  const said = halfSipHash64Vectors.map((_, length) =>
    fingerprint(String.fromCharCode(...Array.from({ length }, (_, byte) => byte)), fingerprinter),
  );
  expect(said).toEqual(halfSipHash64Vectors.map((vector) => vector + vector));
});

test('each half has a key of its own', () => {
  const key = Buffer.concat([randomBytes(8), vectorKey]);
  const [first, second] = [new Fingerprinter(key), new Fingerprinter(bothHalves(key.subarray(0, 8)))];
  expect(fingerprint('', first).slice(16)).toBe(halfSipHash64Vectors[0]);
  expect(fingerprint('', first).slice(0, 16)).toBe(fingerprint('', second).slice(0, 16));
});

test('two objects have two keys, unless they are told one', () => {
  const [one, other] = [new Fingerprinter(), new Fingerprinter()];
  expect(fingerprint('secret', one)).not.toBe(fingerprint('secret', other));
});

test('nothing of a secret stays for the next one', () => {
  const key = randomBytes(16);
  const used = new Fingerprinter(key);
  for (const text of ['x'.repeat(255), 'é'.repeat(200), '€'.repeat(256), 'y'.repeat(5_000)]) used.take(text);
  for (const text of ['', 'a', 'ab', 'abc', 'fl_user_prod_abc']) {
    expect(fingerprint(text, used)).toBe(fingerprint(text, new Fingerprinter(key)));
  }
});

test('texts of any length and script have fingerprints of their own', () => {
  const fingerprinter = new Fingerprinter();
  const texts = [
    // The lower byte of each character is the same.
    ...['fl', '\u0166l', 'f\u016c', '\u{10066}l'],
    ...['', '\0', '\0\0', '\0\0\0\0', 'é', 'Ã©'],
    ...[255, 256, 257, 511, 512, 5_000].flatMap((length) => ['x', 'é', '€'].map((one) => one.repeat(length))),
    `${'x'.repeat(5_000)}y`,
  ];
  const known = new Set(texts.map((text) => fingerprint(text, fingerprinter)));
  expect(known.size).toBe(texts.length);
});
