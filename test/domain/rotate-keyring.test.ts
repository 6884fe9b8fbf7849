import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { digestSecret, type Keyring, newPepper, type Pepper } from '../../src/domain/key-digest.ts';
import { rotateKeyring } from '../../src/domain/rotate-keyring.ts';
import { Stamps } from '../../src/domain/stamp.ts';

const pepper = (id: string) => newPepper(id, randomBytes(32));
const ids = (keyring: Keyring) => keyring.map(({ id }) => id);
const [a, b, c] = [pepper('a'), pepper('b'), pepper('c')];
const ring = (...peppers: [Pepper, ...Pepper[]]): Keyring => peppers;

test('all that hold a keyring see the peppers that were put in', () => {
  const keyring = ring(a);
  const stamps = new Stamps(keyring, 'records');
  const early = stamps.stamp('name', 'text');
  rotateKeyring(keyring, ring(a, b));
  expect(stamps.stamp('name', 'text')).toBe(early);
  rotateKeyring(keyring, ring(b, a));
  expect(ids(keyring)).toEqual(['b', 'a']);
  expect(digestSecret(keyring[0], 'secret').pepperId).toBe('b');
  const late = stamps.stamp('name', 'text');
  expect(late).toBe(new Stamps(ring(b), 'records').stamp('name', 'text'));
  expect([early, late].map((stamped) => stamps.open('name', stamped))).toEqual(['text', 'text']);
  rotateKeyring(keyring, ring(b));
  expect([early, late].map((stamped) => stamps.open('name', stamped))).toEqual([undefined, 'text']);
});

test.each<[string, Keyring, Keyring]>([
  ['that lacks the pepper in use', ring(a, b), ring(b)],
  ['that begins with an unknown pepper', ring(a), ring(b, a)],
  ['with another secret under the same id', ring(a, b), ring(a, pepper('b'))],
  ['with another secret for the pepper in use', ring(a), ring(pepper('a'))],
  ['of others', ring(a), ring(b, c)],
])('a keyring %s is refused, and nothing changes', (_, keyring, next) => {
  const before = [...keyring];
  expect(() => rotateKeyring(keyring, next)).toThrow();
  expect(keyring).toEqual(before);
});
