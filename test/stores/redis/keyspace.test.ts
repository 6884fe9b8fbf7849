import { randomBytes } from 'node:crypto';
import { Command } from 'ioredis';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { keyspace } from '../../../src/stores/redis/keyspace.ts';
import { spendLimits } from '../../../src/stores/redis/limits.ts';
import { placesByTag, readRecords, writeRecord } from '../../../src/stores/redis/records.ts';
import { pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { keyRecord } from '../../support/key-record.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { redis } = stores;
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const dayMs = 86_400_000;
const digest = randomBytes(32);

describe('a record lives in Redis', () => {
  test('for what is left of its life and not longer', async () => {
    await writeRecord(stores, digest, { record: keyRecord(), readAtMs: 1, asOfSeq: 1 }, 5_000.4);
    const leftMs = await redis.pttl(keyspace.record(digest));
    expect(leftMs).toBeGreaterThan(4_000);
    expect(leftMs).toBeLessThanOrEqual(5_001);
  });

  test('not at all when nothing is left', async () => {
    for (const ttlMs of [0, -1])
      await writeRecord(stores, digest, { record: keyRecord(), readAtMs: 1, asOfSeq: 1 }, ttlMs);
    expect(await readRecords(stores, [digest])).toEqual([undefined]);
  });

  test('as long as its last writer says, and a read does not prolong it', async () => {
    await writeRecord(stores, digest, { record: keyRecord(), readAtMs: 1, asOfSeq: 1 }, 60_000);
    await writeRecord(stores, digest, { record: keyRecord(), readAtMs: 1, asOfSeq: 1 }, 2_000);
    await readRecords(stores, [digest]);
    expect(await redis.pttl(keyspace.record(digest))).toBeLessThanOrEqual(2_000);
  });
});

describe('a counter lives in Redis', () => {
  const starts = { window: undefined, period: { spent: 0, isAll: true } };
  const now = new Date('2030-05-15T18:00:00.000Z');
  const spend = { lineageId: 'flk_1', cost: 1, rateLimit: null, quota: null, now, ...starts };

  test('of a rate for one window', async () => {
    await spendLimits(redis, { ...spend, rateLimit: { limit: 5, window_seconds: 30 } });
    const leftMs = await redis.pttl(keyspace.rate('flk_1', 30));
    expect(leftMs).toBeGreaterThan(25_000);
    expect(leftMs).toBeLessThanOrEqual(30_000);
  });

  test.each([
    ['day', '2030-05-16T00:00:00.000Z'],
    ['month', '2030-06-01T00:00:00.000Z'],
  ] as const)('of a quota of a %s until its end, and a day', async (period, end) => {
    await spendLimits(redis, { ...spend, quota: { limit: 5, period } });
    const [name = ''] = await redis.keys('fl:limit:*');
    const expectedMs = Date.parse(end) - now.getTime() + dayMs;
    const leftMs = await redis.pttl(name);
    expect(leftMs).toBeGreaterThan(expectedMs - 10_000);
    expect(leftMs).toBeLessThanOrEqual(expectedMs);
  });

  test('of a quota also after a call that cost nothing', async () => {
    await spendLimits(redis, { ...spend, cost: 0, quota: { limit: 5, period: 'day' } });
    const [name = ''] = await redis.keys('fl:limit:*');
    expect(await redis.pttl(name)).toBeGreaterThan(0);
  });
});

test('a flush that waits for the roll-up does not expire', async () => {
  await pushFlush(stores, { id: '0198a6a0-0000-7000-8000-000000000000', marks: [] });
  expect(await redis.pttl(keyspace.usageFlushes)).toBe(-1);
});

test('the keys that one script touches share a slot of a cluster', async () => {
  const slot = async (name: string) => /\{(.+?)\}/.exec(name)?.[1];
  const names = [keyspace.rate('flk_1', 30), keyspace.quota('flk_1', 'day', new Date())];
  expect(await Promise.all(names.map(slot))).toEqual(['flk_1', 'flk_1']);
});

describe('a record is believed', () => {
  const packed = { record: keyRecord(), readAtMs: 1, asOfSeq: 1 };

  test('only under the digest that it was written for, also where two share a name', async () => {
    const other = Buffer.concat([digest.subarray(0, 11), randomBytes(21)]);
    await writeRecord(stores, digest, packed, 5_000);
    expect(keyspace.record(other)).toEqual(keyspace.record(digest));
    expect(await readRecords(stores, [digest, other])).toEqual([packed, undefined]);
  });

  test('only with every byte of its own', async () => {
    await writeRecord(stores, digest, packed, 5_000);
    const name = keyspace.record(digest);
    const stamped = (await redis.getBuffer(name)) as Buffer;
    for (let at = 0; at < stamped.length; at++) {
      const forged = Buffer.from(stamped);
      forged[at] = (forged[at] as number) ^ 1;
      await redis.set(name, forged);
      expect(await readRecords(stores, [digest])).toEqual([undefined]);
    }
    await redis.set(name, stamped);
    expect(await readRecords(stores, [digest])).toEqual([packed]);
  });

  test('beside those of an earlier release, neither of which is read by the other', async () => {
    const earlier = `fl:record:${digest.toString('base64url')}`;
    await redis.set(earlier, 'whatever it wrote there');
    expect(await readRecords(stores, [digest])).toEqual([undefined]);
    await writeRecord(stores, digest, packed, 5_000);
    expect(await redis.get(earlier)).toBe('whatever it wrote there');
  });
});

test('no name of a key in Redis holds a secret', async () => {
  await writeRecord(stores, digest, { record: keyRecord(), readAtMs: 1, asOfSeq: 1 }, 5_000);
  const [name = Buffer.alloc(0), ...others] = await redis.keysBuffer('*');
  expect(name).toEqual(Buffer.concat([Buffer.from('fl;'), digest.subarray(0, 11)]));
  expect(others).toEqual([]);
});

describe('on a Cluster', () => {
  const slotOf = (name: Buffer) => new Command('get', [name]).getSlot() as number;
  const digests = Array.from({ length: 2_000 }, () => randomBytes(32));

  test('records have 16 slots, and names as long as elsewhere', () => {
    const names = digests.map(keyspace.recordInCluster);
    const slots = new Set(names.map(slotOf));
    expect(slots.size).toBe(16);
    expect(new Set(names.map(({ length }) => length))).toEqual(new Set([keyspace.record(digest).length]));
    expect(new Set(names.map((name) => name.toString('hex'))).size).toBe(digests.length);
  });

  test.each([3, 4, 5, 6, 7, 8])(
    '%i masters with equal ranges have about equal shares of the records',
    (masters) => {
      const slots = new Set(digests.map((one) => slotOf(keyspace.recordInCluster(one))));
      const owners = [...slots].map((slot) => Math.floor((slot * masters) / 16_384));
      const shares = Array.from(
        { length: masters },
        (_, one) => owners.filter((owner) => owner === one).length,
      );
      expect(Math.max(...shares)).toBeLessThanOrEqual(Math.ceil(16 / masters) + 1);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
    },
  );

  test('the digests of one command have one slot, and each digest is in one command', () => {
    const places = [...placesByTag(digests).values()];
    for (const some of places) {
      const slots = some.map((place) => slotOf(keyspace.recordInCluster(digests[place] as Buffer)));
      expect(new Set(slots).size).toBe(1);
    }
    expect(places.flat().sort((one, other) => one - other)).toEqual(digests.map((_, place) => place));
    expect(placesByTag([])).toEqual(new Map());
  });

  test('the keys of one script have one slot', () => {
    const day = new Date('2026-11-27T00:00:00Z');
    const scripts = [
      [keyspace.rate('flk_1', 60), keyspace.quota('flk_1', 'day', day)],
      [keyspace.refusals, keyspace.refusedKeys, keyspace.refusedRequests],
    ];
    for (const names of scripts) expect(new Set(names.map((name) => slotOf(Buffer.from(name)))).size).toBe(1);
  });
});
