import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadataBytesMax, metadataDepthMax, metadataFault } from '../../src/domain/metadata.ts';

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = {};
  for (let level = 1; level < levels; level++) value = wrap(value);
  return value;
}

describe('metadata may be', () => {
  test.each([
    ['empty', {}],
    ['flat', { plan: 'pro', seats: 3, beta: true, owner: null }],
    ['nested in objects and lists', { a: [{ b: [1, 'two'] }] }],
    ['in any language, with astral letters', { greeting: 'grüß 你好 👋' }],
    ['called like a method of every object', { constructor: 1, toString: 'x', hasOwnProperty: null }],
    ['exactly as deep as the bound', nested(metadataDepthMax, (inner) => ({ inner }))],
    ['exactly as large as the bound', { a: 'x'.repeat(metadataBytesMax - '{"a":""}'.length) }],
  ])('%s', (_what, value) => {
    expect(metadataFault(value)).toBeUndefined();
  });
});

describe('metadata may not be', () => {
  test.each([
    ['a list', []],
    ['null', null],
    ['absent', undefined],
    ['a text', 'x'],
    ['a number', 1],
    ['one level too deep in objects', nested(metadataDepthMax + 1, (inner) => ({ inner }))],
    ['one level too deep in lists', { a: nested(metadataDepthMax, (inner) => [inner]) }],
    ['a hundred thousand levels deep', nested(100_000, (inner) => ({ inner }))],
    ['one byte too large', { a: 'x'.repeat(metadataBytesMax - '{"a":""}'.length + 1) }],
    ['too large in bytes though not in letters', { a: 'ü'.repeat(metadataBytesMax / 2) }],
    ['a text with NUL', { a: { b: 'x\0y' } }],
    ['a name with NUL', { a: { 'b\0': 1 } }],
    ['a text with half a surrogate pair', { a: ['\ud83d'] }],
    ['a name with half a surrogate pair', { '\udc4b': 1 }],
    ['a number beyond JSON', { a: JSON.parse('1e999') }],
    ['not a number', { a: Number.NaN }],
    ['named __proto__', JSON.parse('{"a": {"__proto__": {"isAdmin": true}}}')],
  ])('%s', (_what, value) => {
    expect(metadataFault(value)).toEqual(expect.any(String));
  });
});

test('whatever JSON can say is judged without a throw', () => {
  const json = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()));
  fc.assert(
    fc.property(json, (value) => {
      expect(['string', 'undefined']).toContain(typeof metadataFault(value));
    }),
  );
});
