import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isVerifiable,
  newApiKeySecret,
  newSecret,
  parseSecret,
  secretKinds,
} from '../../src/domain/key-format.ts';
import vectors from '../vectors/key-format.json' with { type: 'json' };

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const kinds = fc.constantFrom('user' as const, 'master' as const);
const namelessKinds = ['tenant', 'platform', 'apiUser'] as const;
const environments = fc.stringMatching(/^[a-z0-9]{1,16}$/);
const secrets = fc.oneof(
  fc.tuple(kinds, environments).map(([kind, environment]) => newSecret(kind, environment, randomBytes)),
  fc.constantFrom(...namelessKinds).map((kind) => newApiKeySecret(kind, randomBytes)),
);

describe('known secrets', () => {
  test.each(vectors.valid)('$secret is a $kind secret of $environment', (vector) => {
    expect(parseSecret(vector.secret)).toEqual({
      kind: vector.kind,
      environment: vector.environment,
      prefix: vector.prefix,
      suffix: vector.secret.slice(-4),
    });
    expect(vector.secret.endsWith(vector.checksum)).toBe(true);
  });

  test.each(vectors.refused)('a secret with $why is refused', ({ text }) => {
    expect(parseSecret(text)).toBeUndefined();
  });
});

test('every minted secret says its kind, its environment and its public prefix', () => {
  const property = fc.property(kinds, environments, (kind, environment) => {
    const secret = newSecret(kind, environment, randomBytes);
    const start = `${secretKinds[kind]}${environment}_`;
    expect(secret).toHaveLength(start.length + 46);
    expect(parseSecret(secret)).toEqual({
      kind,
      environment,
      prefix: secret.slice(0, start.length + 8),
      suffix: secret.slice(-4),
    });
  });
  fc.assert(property, { numRuns: 500 });
});

test.each(namelessKinds)('a %s secret is its prefix and the same tail, without an environment', (kind) => {
  const secret = newApiKeySecret(kind, randomBytes);
  const start = secretKinds[kind];
  expect(secret).toHaveLength(start.length + 46);
  expect(parseSecret(secret)).toEqual({
    kind,
    environment: undefined,
    prefix: secret.slice(0, start.length + 8),
    suffix: secret.slice(-4),
  });
  expect(parseSecret(`${start}prod_${secret.slice(start.length)}`)).toBeUndefined();
});

test('keys of every kind can be verified, and master keys cannot', () => {
  for (const kind of namelessKinds) expect(isVerifiable(newApiKeySecret(kind, randomBytes))).toBe(true);
  expect(isVerifiable(newSecret('user', 'prod', randomBytes))).toBe(true);
  expect(isVerifiable(newSecret('master', 'prod', randomBytes))).toBe(false);
});

test('every change of one character is refused', () => {
  const letters = fc.constantFrom(...base62, '_', '-', '.', ' ', 'é', '\0');
  const property = fc.property(secrets, fc.nat(), letters, (secret, at, letter) => {
    const index = at % secret.length;
    fc.pre(secret[index] !== letter);
    expect(parseSecret(secret.slice(0, index) + letter + secret.slice(index + 1))).toBeUndefined();
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('a single secret is refused under each of its 61 × 46 changes of one base62 digit', () => {
  const secret = newSecret('user', 'prod', randomBytes);
  for (let index = secret.length - 46; index < secret.length; index++) {
    for (const letter of base62) {
      if (letter === secret[index]) continue;
      expect(parseSecret(secret.slice(0, index) + letter + secret.slice(index + 1))).toBeUndefined();
    }
  }
});

test('every swap of two different characters is refused', () => {
  const property = fc.property(secrets, fc.nat(), fc.nat(), (secret, one, other) => {
    const letters = [...secret];
    const [from, to] = [one % letters.length, other % letters.length];
    fc.pre(letters[from] !== letters[to]);
    [letters[from], letters[to]] = [letters[to] ?? '', letters[from] ?? ''];
    expect(parseSecret(letters.join(''))).toBeUndefined();
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('every truncation at either end and every extension is refused', () => {
  const secret = newSecret('user', 'prod', randomBytes);
  for (let length = 0; length < secret.length; length++) {
    expect(parseSecret(secret.slice(0, length))).toBeUndefined();
    expect(parseSecret(secret.slice(secret.length - length))).toBeUndefined();
  }
  for (const letter of [...base62, '\n']) {
    expect(parseSecret(secret + letter)).toBeUndefined();
    expect(parseSecret(letter + secret)).toBeUndefined();
  }
});

test('no text makes it throw, and no made-up text is a secret', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.tuple(fc.constantFrom(...Object.values(secretKinds)), fc.string()).map((parts) => parts.join('')),
    fc.stringMatching(/^fl_user_[a-z0-9]{1,16}_[0-9A-Za-z]{46}$/),
    fc.string().map((text) => `fl_user_prod_${text}\ud800`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(parseSecret(text)).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

test('a text of a megabyte is refused without reading it through', () => {
  expect(parseSecret(`fl_user_${'a'.repeat(1_000_000)}`)).toBeUndefined();
});

test('ten thousand secrets are ten thousand different ones, also in their hidden part', () => {
  const minted = Array.from({ length: 10_000 }, () => newSecret('user', 'prod', randomBytes));
  const hidden = minted.map((secret) => secret.slice('fl_user_prod_'.length + 8, -6));
  expect(new Set(hidden).size).toBe(10_000);
  expect(hidden[0]).toHaveLength(32);
});
