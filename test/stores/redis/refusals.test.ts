import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { KeyRefusal } from '../../../src/domain/key-refusal.ts';
import { Stamps } from '../../../src/domain/stamp.ts';
import { keyspace } from '../../../src/stores/redis/keyspace.ts';
import {
  pushRefusals,
  readRefusalsOfKey,
  readRefusalsOfRequest,
} from '../../../src/stores/redis/refusals.ts';
import { openStores } from '../../support/stores.ts';
import { testKeyring } from '../../support/use-case-parts.ts';

const stores = await openStores();
const { redis } = stores;
const parts = { redis, refusalStamps: new Stamps(testKeyring, 'refusals') };
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const nowMs = Date.parse('2030-03-01T00:00:00.000Z');
const dayMs = 86_400_000;
const keys = [keyspace.refusals, keyspace.refusedKeys, keyspace.refusedRequests] as const;

let serial = 0;
function refusal(changed: Partial<KeyRefusal> = {}): KeyRefusal {
  serial += 1;
  return {
    keyId: 'flk_0000000000000000000001',
    serial,
    atMs: nowMs + serial,
    code: 'IP_NOT_ALLOWED',
    endpoint: 'authz',
    requestId: `req_${serial}`,
    traceId: null,
    masterKeyId: 'flm_0000000000000000000001',
    ip: '192.0.2.1',
    ...changed,
  };
}

const push = (...refusals: KeyRefusal[]) => pushRefusals(parts, refusals, nowMs);
const ofKey = (keyId: string, at = nowMs) => readRefusalsOfKey(parts, keyId, at);
const ofRequest = (requestId: string, at = nowMs) => readRefusalsOfRequest(parts, requestId, at);

describe('what is kept', () => {
  test('a refusal comes out as it went in, by its key and by its request', async () => {
    const [one, other] = [refusal(), refusal({ keyId: 'flk_other', ip: null, code: 'REVOKED' })];
    await push(one, other);
    expect(await ofKey(one.keyId)).toEqual([one]);
    expect(await ofKey('flk_other')).toEqual([other]);
    expect(await ofRequest(one.requestId)).toEqual([one]);
    expect(await ofRequest(other.requestId)).toEqual([other]);
    expect([await ofKey('flk_unknown'), await ofRequest('req')]).toEqual([[], []]);
  });

  test('the newest 20 of a key, newest first, in however many deliveries', async () => {
    const all = Array.from({ length: 45 }, () => refusal());
    for (let start = 0; start < all.length; start += 7) await push(...all.slice(start, start + 7));
    expect(await ofKey('flk_0000000000000000000001')).toEqual(all.slice(-20).reverse());
    expect(await ofRequest(all[24]?.requestId ?? '')).toEqual([]);
    expect(await ofRequest(all[25]?.requestId ?? '')).toEqual([all[25]]);
    expect(await redis.zcard(keyspace.refusedRequests)).toBe(20);
  });

  test('a delivery that is repeated, since its answer was lost, is there once', async () => {
    const [one, twin] = [refusal({ atMs: nowMs }), refusal({ atMs: nowMs })];
    twin.requestId = one.requestId;
    for (let time = 0; time < 3; time++) await push(one, twin);
    expect(await ofKey(one.keyId)).toEqual([twin, one]);
  });

  test('a request id that several refusals share finds them all', async () => {
    const batch = Array.from({ length: 100 }, (_, n) => refusal({ keyId: `flk_${n}`, requestId: 'shared' }));
    await push(...batch, refusal({ requestId: 'shared.not' }), refusal({ requestId: 'share' }));
    expect(await ofRequest('shared')).toEqual(batch.toReversed());
  });

  test('a refusal of a trace is found by either id, and is forgotten under both', async () => {
    const traced = Array.from({ length: 21 }, (_, n) => refusal({ traceId: `trace${n}` }));
    await push(...traced);
    const [oldest, newer] = traced;
    expect(await ofRequest('trace1')).toEqual([newer]);
    expect(await ofRequest(newer?.requestId ?? '')).toEqual([newer]);
    expect([await ofRequest('trace0'), await ofRequest(oldest?.requestId ?? '')]).toEqual([[], []]);
    expect(await redis.zcard(keyspace.refusedRequests)).toBe(40);
  });

  test('seven days, and then nothing is left', async () => {
    const [old, newer] = [refusal({ keyId: 'flk_old' }), refusal({ keyId: 'flk_newer' })];
    await pushRefusals(parts, [old], nowMs);
    expect(await ofKey('flk_old', old.atMs + 7 * dayMs - 1)).toEqual([old]);
    expect(await ofKey('flk_old', old.atMs + 7 * dayMs)).toEqual([]);
    expect(await ofRequest(old.requestId, old.atMs + 7 * dayMs)).toEqual([]);
    await pushRefusals(parts, [newer], nowMs + 7 * dayMs);
    expect(await redis.hkeys(keyspace.refusals)).toEqual(['flk_newer']);
    expect(await redis.zcard(keyspace.refusedRequests)).toBe(1);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(6 * dayMs);
  });
});

describe('what somebody else writes into Redis is not believed', () => {
  test('a refusal of another key or request, one that nobody stamped, and one from another pepper', async () => {
    const one = refusal();
    await push(one);
    const line = (await redis.hget(keyspace.refusals, one.keyId)) ?? '';
    const stamped = line.split(' ')[1] ?? '';
    await redis.hset(keyspace.refusals, 'flk_copied', line);
    await redis.hset(keyspace.refusals, 'flk_renamed', `req_other ${stamped}`);
    await redis.hset(keyspace.refusals, 'flk_forged', `req_1 ${JSON.stringify([1, nowMs, 'REVOKED'])}`);
    await redis.zadd(keyspace.refusedRequests, 0, `${one.requestId} flk_copied 12345678`);
    for (const id of ['flk_copied', 'flk_renamed', 'flk_forged']) expect(await ofKey(id)).toEqual([]);
    expect(await ofRequest(one.requestId)).toEqual([one]);
    const others = new Stamps([{ id: 'p2', secret: testKeyring[0].secret }], 'records');
    expect(await readRefusalsOfKey({ redis, refusalStamps: others }, one.keyId, nowMs)).toEqual([]);
  });

  test('texts without measure are not read, and make room for what is ours', async () => {
    await redis.hset(keyspace.refusals, 'flk_long', 'x'.repeat(1_000_000));
    await redis.zadd(keyspace.refusedRequests, 0, `req_long ${'x'.repeat(1_000_000)}`);
    expect([await ofKey('flk_long'), await ofRequest('req_long')]).toEqual([[], []]);
    const one = refusal({ keyId: 'flk_long' });
    await push(one);
    expect(await ofKey('flk_long')).toEqual([one]);
  });

  test('keys of another type are no error to a reader, and are replaced by a writer', async () => {
    for (const key of keys) await redis.set(key, 'x');
    expect([await ofKey('flk_1'), await ofRequest('req_1')]).toEqual([[], []]);
    const one = refusal();
    await push(one);
    expect(await ofKey(one.keyId)).toEqual([one]);
  });

  test('a lost half of what lies there does not keep the other from its bounds', async () => {
    await push(...Array.from({ length: 50 }, (_, n) => refusal({ keyId: `flk_${n}` })));
    await redis.del(keyspace.refusedKeys);
    const one = refusal();
    await push(one);
    expect(await ofKey(one.keyId)).toEqual([one]);
  });
});

test('a flood of a million keys takes 100,000 places and 64 MB at most, and the newest are there', {
  timeout: 300_000,
}, async () => {
  const requestId = (n: number) => `req_${'x'.repeat(60)}${n}`;
  const wave = (start: number, length: number) =>
    Array.from({ length }, (_, n) =>
      refusal({ keyId: `flk_${String(start + n).padStart(22, '0')}`, requestId: requestId(start + n) }),
    );
  const perWave = 10_000;
  // The part of a million keys that gets through: each process delivers at most 1,000 refusals
  // every two seconds.
  for (let start = 0; start < 150_000; start += perWave) {
    await pushRefusals(parts, wave(start, perWave), nowMs + start);
  }
  expect(await redis.zcard(keyspace.refusedRequests)).toBe(100_000);
  expect(await redis.hlen(keyspace.refusals)).toBe(100_000);
  expect(await redis.zcard(keyspace.refusedKeys)).toBe(100_000);
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key, 'SAMPLES', 1_000)));
  const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  expect(bytes).toBeLessThan(64_000_000);
  expect(await ofRequest(requestId(149_999))).toHaveLength(1);
  expect(await ofRequest(requestId(49_000))).toEqual([]);
});
