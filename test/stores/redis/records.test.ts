import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyRecord } from '../../../src/domain/key-record.ts';
import { packRecord, unpackRecord } from '../../../src/stores/redis/records.ts';
import { keyRecord } from '../../support/key-record.ts';

const ids = fc.stringMatching(/^flk_[0-9A-Za-z]{22}$/);
const times = fc.option(fc.integer({ min: 1, max: 4e12 }));
const onUnavailable = fc.constantFrom('local' as const, 'deny' as const, 'allow' as const);
const limits = {
  rateLimit: fc.record(
    { limit: fc.nat(), window_seconds: fc.nat(), on_unavailable: onUnavailable },
    { requiredKeys: ['limit', 'window_seconds'] },
  ),
  quota: fc.record(
    {
      limit: fc.nat(),
      period: fc.constantFrom('day' as const, 'month' as const),
      on_unavailable: onUnavailable,
    },
    { requiredKeys: ['limit', 'period'] },
  ),
};
const records: fc.Arbitrary<KeyRecord> = fc.record({
  id: ids,
  revision: fc.integer({ min: 1, max: 2 ** 50 }),
  lineageId: ids,
  userId: fc.string({ minLength: 1 }),
  organizationId: fc.string({ minLength: 1 }),
  environment: fc.string({ minLength: 1 }),
  status: fc.constantFrom('active', 'superseded', 'revoked', 'expired'),
  enabled: fc.boolean(),
  expiresAtMs: times,
  supersededUntilMs: times,
  supersededBy: fc.option(ids),
  supersededAtMs: times,
  scopes: fc.array(fc.string()),
  metadata: fc.dictionary(
    fc.string().filter((name) => name !== '__proto__'),
    fc.jsonValue({ noUnicodeString: false }),
  ),
  rateLimit: fc.option(limits.rateLimit),
  quota: fc.option(limits.quota),
  ipAllowlist: fc.option(fc.array(fc.ipV4())),
});

describe('a packed record', () => {
  test('is the same record when it is unpacked, for any content', () => {
    const readAt = fc.integer({ min: 1, max: 4e12 });
    fc.assert(
      fc.property(records, readAt, (record, readAtMs) => {
        const packed = { record, readAtMs, asOfSeq: readAtMs % 1_000 };
        const unpacked = unpackRecord(packRecord(packed));
        expect(unpacked).toEqual({ ...packed, record: JSON.parse(JSON.stringify(record)) });
      }),
      { numRuns: 500 },
    );
  });

  test('of the first key of a line keeps its line', () => {
    const record = keyRecord({ id: 'flk_a', lineageId: 'flk_a' });
    expect(unpackRecord(packRecord({ record, readAtMs: 1, asOfSeq: 1 }))?.record.lineageId).toBe('flk_a');
  });

  test('with an empty address list allows no address, rather than all', () => {
    const record = keyRecord({ ipAllowlist: [] });
    expect(unpackRecord(packRecord({ record, readAtMs: 1, asOfSeq: 1 }))?.record.ipAllowlist).toEqual([]);
  });

  test('is never taken to have been read later than it was', () => {
    const packed = packRecord({ record: keyRecord(), readAtMs: 99.9, asOfSeq: 1 });
    expect(unpackRecord(packed)?.readAtMs).toBe(99);
  });

  test('stays below 300 bytes for a key without options', () => {
    const packed = packRecord({ record: keyRecord(), readAtMs: Date.now(), asOfSeq: 1e12 });
    expect(Buffer.byteLength(packed)).toBeLessThan(300);
  });
});

describe('what is not of this layout is no record', () => {
  const packed = JSON.parse(packRecord({ record: keyRecord(), readAtMs: 1, asOfSeq: 1 })) as unknown[];

  test.each([
    ['another version', [1, ...packed.slice(1)]],
    ['a version before versions', packed.slice(1)],
    ['one element fewer', packed.slice(0, -1)],
    ['one element more', [...packed, 0]],
    ['an object', { ...packed }],
    ['nothing', null],
    ['a number', 1],
    ['a text', 'record'],
  ])('%s', (_what, value) => {
    expect(unpackRecord(JSON.stringify(value))).toBeUndefined();
  });

  test('any text at all, without a throw', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.nat(packed.length).map((n) => JSON.stringify(packed).slice(0, n)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(unpackRecord(text)).toBeUndefined();
      }),
    );
  });
});
