import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bearerToken, readPresentedKey } from '../../../src/domain/forward-auth/presented-key.ts';

describe('the key of an end client', () => {
  test.each([
    ['in X-API-Key', ['a'], [], 'a'],
    ['in Authorization: Bearer', [], ['bearer  a '], 'a'],
    ['sent twice with one value', ['a', 'a'], ['Bearer a'], 'a'],
    ['beside another scheme', ['a'], ['Basic eA=='], 'a'],
    ['beside an empty X-API-Key', ['', 'a'], [], 'a'],
    ['that is a bearer which cannot be read', [], ['Bearer a b'], ''],
  ])('is found %s', (_name, apiKeys, authorizations, key) => {
    expect(readPresentedKey(apiKeys, authorizations)).toEqual({ key, isAmbiguous: false });
  });

  test.each([
    ['nothing is sent', [], [], false],
    ['X-API-Key is empty', [''], [], false],
    ['another scheme comes alone', [], ['Basic eA=='], false],
    ['two different keys come', ['a'], ['Bearer b'], true],
    ['a list of keys comes', ['a,b'], [], true],
    ['a bearer beside it cannot be read', ['a'], ['Bearer'], true],
  ])('is none when %s', (_name, apiKeys, authorizations, isAmbiguous) => {
    expect(readPresentedKey(apiKeys, authorizations)).toEqual({ key: undefined, isAmbiguous });
  });

  test('is one that was sent, whatever the headers are', () => {
    const values = fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 });
    fc.assert(
      fc.property(values, values, (apiKeys, tokens) => {
        const { key } = readPresentedKey(
          apiKeys,
          tokens.map((token) => `Bearer ${token}`),
        );
        const sent = [...apiKeys, ...tokens.map((token) => bearerToken(`Bearer ${token}`))];
        if (key !== undefined) expect(sent).toContain(key);
      }),
    );
  });
});
