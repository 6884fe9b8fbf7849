import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  externalIdPattern,
  type IdKind,
  idPrefixes,
  isReservedWord,
  keyIdPattern,
  newId,
} from '../../src/domain/ids.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const times = fc.date({ min: new Date(0), max: new Date('2500-01-01'), noInvalidDate: true });

/** The digits as the number they stand for, most significant first. */
function numberOf(digits: string): number {
  return [...digits].reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0);
}

test.each(Object.entries(idPrefixes))('an id of kind %s begins with %s and has 22 digits', (kind, prefix) => {
  const id = newId(kind as IdKind, new Date(), randomBytes);
  expect(id).toMatch(new RegExp(`^${prefix}[0-9A-Za-z]{22}$`));
});

test('the first nine digits of an id are its milliseconds, the other thirteen are chance', () => {
  fc.assert(
    fc.property(times, (at) => {
      const digits = newId('key', at, randomBytes).slice('flk_'.length);
      expect(numberOf(digits.slice(0, 9))).toBe(at.getTime());
      const chance = newId('key', at, (size) => new Uint8Array(size).fill(61)).slice('flk_'.length + 9);
      expect(chance).toBe('z'.repeat(13));
    }),
  );
});

test('ids of different milliseconds sort bytewise by time', () => {
  fc.assert(
    fc.property(times, times, (one, other) => {
      fc.pre(one.getTime() !== other.getTime());
      const isEarlier = newId('key', one, randomBytes) < newId('key', other, randomBytes);
      expect(isEarlier).toBe(one.getTime() < other.getTime());
    }),
  );
});

test('ten thousand ids of one millisecond are all different', () => {
  const now = new Date();
  expect(new Set(Array.from({ length: 10_000 }, () => newId('key', now, randomBytes))).size).toBe(10_000);
});

test('a key id is recognised as one, another handle and a secret are not', () => {
  expect(newId('key', new Date(), randomBytes)).toMatch(keyIdPattern);
  expect(newId('masterKey', new Date(), randomBytes)).not.toMatch(keyIdPattern);
  expect('fl_user_prod_0123456789').not.toMatch(keyIdPattern);
});

test.each(['a', 'user_1', 'a@b.example', 'org:eu:1', 'A-1', `a${'b'.repeat(127)}`])(
  'a caller may bring along the id %s',
  (id) => {
    expect(id).toMatch(externalIdPattern);
  },
);

test.each(['', '_a', '.', 'a b', 'a/b', 'a\n', 'é', 'a%2f', `a${'b'.repeat(128)}`])(
  'a caller may not bring along the id %j',
  (id) => {
    expect(id).not.toMatch(externalIdPattern);
  },
);

test.each(['user', 'User', 'VERIFY', 'verify'])('the fixed path segment %s is no id', (word) => {
  expect(isReservedWord(word)).toBe(true);
});

test.each(['users', 'user_1', 'verified', 'u'])('%s is no reserved word', (word) => {
  expect(isReservedWord(word)).toBe(false);
});
