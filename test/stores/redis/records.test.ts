import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../../src/domain/ids.ts';
import type { KeyRecord } from '../../../src/domain/key-record.ts';
import { minterTag } from '../../../src/domain/key-stop.ts';
import { packRecord, unpackRecord } from '../../../src/stores/redis/record-codec.ts';
import { keyRecord } from '../../support/key-record.ts';

const ids = fc.oneof(
  fc.stringMatching(/^(flk|ak|usr)_[0-9A-Za-z]{22}$/),
  fc.stringMatching(/^[a-z]{1,4}_[0-9A-Za-z]{12,24}$/),
);
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
  quarantinedUntilMs: times,
  supersededBy: fc.option(ids),
  supersededAtMs: times,
  minter: fc.option(fc.stringMatching(/^[\w-]{7}[B-Z]$/)),
  mintNumber: fc.nat(),
  createdAtMs: fc.integer({ min: 0, max: 4e12 }),
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

  test('takes no more than 76 bytes with its code for a key without options: Redis keeps these in 80', () => {
    const now = new Date();
    const record = keyRecord({
      id: newId('key', now, randomBytes),
      userId: 'user-000001',
      minter: minterTag('flm_1'),
      mintNumber: 2e6,
      createdAtMs: now.getTime(),
    });
    const packed = packRecord({
      record: { ...record, lineageId: record.id },
      readAtMs: Date.now(),
      asOfSeq: 2e6,
    });
    expect(packed.length).toBeLessThanOrEqual(76 - 16);
  });

  test.each(['prod', 'production', 'default', 'dev', 'staging', 'test', 'eu1', 'x'.repeat(16), 'größe'])(
    'keeps the environment %s',
    (environment) => {
      const packed = packRecord({ record: keyRecord({ environment }), readAtMs: 1, asOfSeq: 1 });
      expect(unpackRecord(packed)?.record.environment).toBe(environment);
    },
  );
});

describe('what is not of this layout is no record', () => {
  const packed = packRecord({
    record: keyRecord({ scopes: ['read'], metadata: { plan: 'pro' } }),
    readAtMs: Date.now(),
    asOfSeq: 7,
  });
  const changed = (at: number, byte: number) =>
    Buffer.from([...packed.subarray(0, at), byte, ...packed.subarray(at + 1)]);

  test.each([
    ['another layout', changed(0, (packed[0] as number) + 32)],
    ['the layout of an earlier release', Buffer.from(JSON.stringify([3, Date.now(), 1, 'flk_1', 1]))],
    ['one byte fewer', packed.subarray(0, -1)],
    ['one byte more', Buffer.concat([packed, Buffer.of(0)])],
    ['nothing', Buffer.alloc(0)],
    ['a text', Buffer.from('a record')],
  ])('%s', (_what, bytes) => {
    expect(unpackRecord(bytes)).toBeUndefined();
  });

  test('any bytes at all, without a throw', () => {
    const anyBytes = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
    const ofAnotherLayout = anyBytes.filter((bytes) => (bytes[0] ?? 0) >> 5 !== (packed[0] as number) >> 5);
    const cutShort = fc.nat(packed.length - 1).map((length) => packed.subarray(0, length));
    const ofOurLayout = anyBytes.map((bytes) => Buffer.concat([packed.subarray(0, 1), bytes]));
    const property = fc.property(fc.oneof(ofAnotherLayout, cutShort), (bytes) => {
      expect(unpackRecord(bytes)).toBeUndefined();
    });
    fc.assert(property);
    fc.assert(fc.property(ofOurLayout, (bytes) => void unpackRecord(bytes)));
  });
});
