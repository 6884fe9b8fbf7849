import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { ForeignPattern, isForeignKey, parseForeignPatterns } from '../../src/domain/foreign-pattern.ts';
import {
  computeHash,
  digestForeignHash,
  type ForeignHash,
  lookupsOf,
  readHash,
  recipeOf,
} from '../../src/domain/imported-hash.ts';
import { redact, redactForeignKeys } from '../../src/domain/redact.ts';
import { testKeyring } from '../support/use-case-parts.ts';

const sha = createHash('sha256').update('abc').digest();
const [pepper] = testKeyring;

function foreign(some: Partial<ForeignHash>): ForeignHash {
  const none = { salt: null, saltPosition: 'before', secretName: null, lookup: null } as const;
  return { algorithm: 'sha256', hash: sha.toString('hex'), ...none, ...some };
}

describe('hashes of other products are read', () => {
  test.each([
    ['hex, as home-made tables have it', sha.toString('hex')],
    ['HEX', sha.toString('hex').toUpperCase()],
    ['base64url without padding, as better-auth stores it', sha.toString('base64url')],
    ['base64 with padding', sha.toString('base64')],
    ['base64 without padding', sha.toString('base64').replaceAll('=', '')],
    ['base64url with padding', `${sha.toString('base64url')}=`],
  ])('sha256 in %s', (_, text) => {
    expect(readHash('sha256', text)).toEqual({ hash: sha.toString('hex') });
  });

  test.each([
    ['sha256', sha.toString('hex').slice(1)],
    ['sha256', `${sha.toString('base64url').slice(0, -1)}1`],
    ['sha256', '+_'.repeat(21)],
    ['sha512', sha.toString('hex')],
    ['bcrypt', `$2b$03$${'a'.repeat(53)}`],
    ['bcrypt', `$2b$14$${'a'.repeat(53)}`],
    ['bcrypt', `$2b$10$${'a'.repeat(52)}`],
    ['argon2id', '$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHQ'],
    ['argon2id', '$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHQ'],
    ['argon2id', '$argon2id$v=19$m=4,t=2,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0c2FsdHNhbHQ'],
  ] as const)('%s refuses %s, and does not quote it', (algorithm, text) => {
    const read = readHash(algorithm, text);
    expect(read).toHaveProperty('fault');
    expect(JSON.stringify(read)).not.toContain(text);
  });

  test('a salt is put where it was', () => {
    const salted = (text: string) => createHash('sha512').update(text).digest('hex');
    const plain = { algorithm: 'sha512', secretName: null } as const;
    expect(computeHash({ ...plain, salt: 's', saltPosition: 'before' }, 'key')).toBe(salted('skey'));
    expect(computeHash({ ...plain, salt: 's', saltPosition: 'after' }, 'key')).toBe(salted('keys'));
  });
});

test('what is stored for a hash depends on the hash, its recipe and the pepper', () => {
  const digests = [
    foreign({}),
    foreign({ algorithm: 'sha512' }),
    foreign({ salt: 'a' }),
    foreign({ salt: 'a', saltPosition: 'after' }),
    foreign({ salt: 'a', lookup: 'acme_abcd' }),
    foreign({ algorithm: 'hmac-sha256', secretName: 'a' }),
    foreign({ hash: 'ff' }),
  ].map((one) => digestForeignHash(pepper, one).digest.toString('hex'));
  expect(new Set(digests).size).toBe(digests.length);
  expect(digests.join()).not.toContain(sha.toString('hex'));
  expect(recipeOf(foreign({ lookup: 'acme_abcd' }))?.id).toBe('sha256');
  expect(recipeOf(foreign({ salt: 'a', lookup: 'acme_abcd' }))).toBeUndefined();
  expect(lookupsOf('abcdefg')).toEqual(['abcd', 'abcde', 'abcdef']);
});

describe('declared patterns', () => {
  test('are a prefix, an alphabet and a length', () => {
    const patterns = parseForeignPatterns('acme_:base62:20, sk.live-:hex:16-18') ?? [];
    expect(patterns.map(String)).toEqual(['acme_:base62:20', 'sk.live-:hex:16-18']);
    const isKey = (text: string) => isForeignKey(patterns, text);
    expect(isKey(`acme_${'aZ9'.repeat(6)}aa`)).toBe(true);
    expect(isKey(`acme_${'a'.repeat(19)}`)).toBe(false);
    expect(isKey(`acme_${'a'.repeat(21)}`)).toBe(false);
    expect(isKey(`acme_${'a'.repeat(19)}_`)).toBe(false);
    expect(isKey(`acme_${'a'.repeat(20)}\n`)).toBe(false);
    expect(isKey(`sk.live-${'f'.repeat(17)}`)).toBe(true);
    expect(isKey(`skXlive-${'f'.repeat(17)}`)).toBe(false);
  });

  test.each([
    'acme_',
    'acme_:base62:15',
    'acme_:base62:20-10',
    'acme_:base62:257',
    'acme_:letters:20',
    'acme_:[a-z]+:20',
    ':hex:31',
    'ac(me:base62:20',
    'fl_user_prod_:base62:46',
    'flkey_:base62:46',
  ])('%s is refused', (text) => {
    expect(parseForeignPatterns(text)).toBeUndefined();
  });

  test('a lookup leaves 16 characters hidden', () => {
    const pattern = new ForeignPattern('acme_', 'base62', 24, 24);
    expect(pattern.isLookup('acme_abcd')).toBe(true);
    expect(pattern.isLookup('acme_abcdefgh')).toBe(true);
    expect(pattern.isLookup('acme_abcdefghi')).toBe(false);
    expect(pattern.isLookup('acme_abc')).toBe(false);
    expect(pattern.isLookup('other_abcd')).toBe(false);
  });
});

describe('redaction', () => {
  afterEach(() => redactForeignKeys([]));

  test('cuts declared foreign keys to their prefix', () => {
    const [key, bare] = [`acme_${'x'.repeat(20)}`, 'ab'.repeat(20)];
    expect(redact(key)).toBe(key);
    redactForeignKeys(parseForeignPatterns('acme_:base62:20,:hex:40') ?? []);
    expect(redact(`/a?k=${key}&b=${bare}`)).toBe('/a?k=acme_…&b=…');
    expect(redact(`${bare}0 abc`)).toBe(`${bare}0 abc`);
  });

  test('of a megabyte made to be slow is done at once', () => {
    redactForeignKeys(parseForeignPatterns('aaaa:base62:256,:base62:32-256') ?? []);
    redact('a'.repeat(1_000_000));
    redact('aaaa-'.repeat(200_000));
  });
});
