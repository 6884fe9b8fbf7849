import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newIdempotency } from '../../src/domain/idempotency.ts';
import { type Keyring, newPepper } from '../../src/domain/key-digest.ts';

const old = newPepper('old', randomBytes(32));
const current = newPepper('current', randomBytes(32));
const keyring: Keyring = [current, old];
const request = { scope: 'flm_1 POST /v1/flowplate/api-keys', key: 'retry-1', body: { user_id: 'u1' } };

const same = newIdempotency(keyring, request);
const idOf = (idempotency: { ids: readonly Buffer[] }) => idempotency.ids[0] ?? Buffer.of();

describe('a sealed answer', () => {
  test('is opened by the same caller with the same key, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (answer) => {
        fc.pre(answer.isWellFormed());
        const again = newIdempotency(keyring, request);
        expect(again.open(idOf(again), same.seal(answer))).toBe(answer);
      }),
      { numRuns: 30 },
    );
  });

  test('does not contain what it says, and no two are alike', () => {
    const answer = JSON.stringify({ key: 'fl_user_prod_secret' });
    const [one, other] = [same.seal(answer), same.seal(answer)];
    expect(one.includes('fl_user')).toBe(false);
    expect(one.equals(other)).toBe(false);
  });

  test('of which any one byte was changed does not open', () => {
    const sealed = same.seal('answer');
    for (let index = 0; index < sealed.length; index++) {
      const tampered = Buffer.from(sealed);
      tampered[index] = (tampered[index] ?? 0) ^ 1;
      expect(() => same.open(idOf(same), tampered)).toThrow();
    }
  });

  test('that was cut short anywhere does not open', () => {
    const sealed = same.seal('answer');
    for (let length = 0; length < sealed.length; length++) {
      expect(() => same.open(idOf(same), sealed.subarray(0, length))).toThrow();
    }
  });

  test.each([
    ['another Idempotency-Key', keyring, { ...request, key: 'retry-2' }],
    ['another caller or path', keyring, { ...request, scope: 'flm_2 POST /v1/flowplate/api-keys' }],
    ['other peppers', [newPepper('current', randomBytes(32))] as Keyring, request],
  ])('does not open with %s', (_what, otherKeyring, otherRequest) => {
    const other = newIdempotency(otherKeyring, otherRequest);
    expect(idOf(other).equals(idOf(same))).toBe(false);
    expect(() => other.open(idOf(other), same.seal('answer'))).toThrow();
    expect(() => other.open(idOf(same), same.seal('answer'))).toThrow();
  });

  test('is found and opened after a new pepper was put in front', () => {
    const before = newIdempotency([old], request);
    const sealed = before.seal('answer');
    expect(same.ids.some((id) => id.equals(idOf(before)))).toBe(true);
    expect(same.open(idOf(before), sealed)).toBe('answer');
  });
});

describe('the body', () => {
  const hashOf = (body: unknown) => newIdempotency(keyring, { ...request, body }).bodyHash.toString('hex');

  test('is the same whatever the order of its fields, at every depth', () => {
    const one = { user_id: 'u1', metadata: { a: 1, b: [{ c: 2, d: 3 }] } };
    const other = { metadata: { b: [{ d: 3, c: 2 }], a: 1 }, user_id: 'u1' };
    expect(hashOf(one)).toBe(hashOf(other));
  });

  test.each([
    ['another value', { user_id: 'u2' }],
    ['another type', { user_id: 1 }],
    ['one more field', { user_id: 'u1', name: null }],
    ['another name', { userid: 'u1' }],
    ['a list in place of the object', ['user_id', 'u1']],
    ['nothing', undefined],
  ])('with %s is another one', (_what, body) => {
    expect(hashOf(body ?? null)).not.toBe(hashOf({ user_id: 'u1' }));
  });

  test('is another one when a list has another order', () => {
    expect(hashOf({ scopes: ['a', 'b'] })).not.toBe(hashOf({ scopes: ['b', 'a'] }));
  });
});
