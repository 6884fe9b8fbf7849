import { afterAll, describe, expect, test } from 'vitest';
import { keyspace } from '../../../src/stores/redis/keyspace.ts';
import { type Spend, spendLimits } from '../../../src/stores/redis/limits.ts';
import { eventually } from '../../support/eventually.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { redis } = stores;
afterAll(() => stores.close());

const now = new Date('2030-05-15T12:00:00.000Z');
const dayStart = new Date('2030-05-15T00:00:00.000Z');
const minute = (limit: number) => ({ limit, window_seconds: 60 });
const daily = (limit: number) => ({ limit, period: 'day' as const });

let lines = 0;
/** Spends from a line of keys of its own unless `lineageId` says otherwise. */
function spendOf(changed: Partial<Spend>): Spend {
  lines += 1;
  return {
    lineageId: `line_${lines}`,
    cost: 1,
    rateLimit: null,
    quota: null,
    now,
    window: undefined,
    period: { spent: 0, isAll: true },
    ...changed,
  };
}

async function counters({ lineageId }: Spend): Promise<[rate: string | null, quota: string | null]> {
  return [
    await redis.get(keyspace.rate(lineageId, 60)),
    await redis.get(keyspace.quota(lineageId, 'day', dayStart)),
  ];
}

describe('a refusal spends nothing', () => {
  test('of the quota when the rate limit refuses', async () => {
    const spend = spendOf({ rateLimit: minute(1), quota: daily(10) });
    expect((await spendLimits(redis, spend)).outcome).toBe('spent');
    const before = await counters(spend);
    expect((await spendLimits(redis, spend)).outcome).toBe('rate_limited');
    expect(before).toEqual(['1', '1']);
    expect(await counters(spend)).toEqual(before);
  });

  test('of the rate limit when the quota refuses', async () => {
    const spend = spendOf({ rateLimit: minute(10), quota: daily(1) });
    await spendLimits(redis, spend);
    expect((await spendLimits(redis, spend)).outcome).toBe('quota_exceeded');
    expect(await counters(spend)).toEqual(['1', '1']);
  });

  test('when both would refuse the rate limit is named, as the contract orders them', async () => {
    const spend = spendOf({ rateLimit: minute(1), quota: daily(1) });
    await spendLimits(redis, spend);
    expect((await spendLimits(redis, spend)).outcome).toBe('rate_limited');
    expect(await counters(spend)).toEqual(['1', '1']);
  });

  test('and begins no window; an absent quota counter gets its start and no more', async () => {
    const spend = spendOf({ cost: 5, rateLimit: minute(4), quota: daily(100) });
    expect((await spendLimits(redis, spend)).outcome).toBe('rate_limited');
    expect(await counters(spend)).toEqual([null, '0']);
  });
});

describe('a cost', () => {
  test('of exactly what is left is spent, of one more it is not', async () => {
    const spend = spendOf({ cost: 7, rateLimit: minute(10) });
    await spendLimits(redis, spend);
    expect((await spendLimits(redis, { ...spend, cost: 4 })).outcome).toBe('rate_limited');
    expect(await spendLimits(redis, { ...spend, cost: 3 })).toMatchObject({
      outcome: 'spent',
      rateSpent: 10,
    });
  });

  test('of nothing is always spent, also from limits that are used up, and begins no window', async () => {
    const spend = spendOf({ cost: 0, rateLimit: minute(1), quota: daily(1) });
    expect((await spendLimits(redis, spend)).outcome).toBe('spent');
    expect((await counters(spend))[0]).toBeNull();
    await spendLimits(redis, { ...spend, cost: 1 });
    expect((await spendLimits(redis, spend)).outcome).toBe('spent');
  });

  test('is refused whole by a limit of zero', async () => {
    expect((await spendLimits(redis, spendOf({ rateLimit: minute(0) }))).outcome).toBe('rate_limited');
    expect((await spendLimits(redis, spendOf({ quota: daily(0) }))).outcome).toBe('quota_exceeded');
  });
});

describe('a window', () => {
  test('begins with its first call, is not prolonged by the next ones, and then ends', async () => {
    const spend = spendOf({ rateLimit: { limit: 2, window_seconds: 2 } });
    const first = await spendLimits(redis, spend);
    expect(first).toMatchObject({ outcome: 'spent', windowLeftMs: 2_000 });
    await eventually(
      5_000,
      () => redis.pttl(keyspace.rate(spend.lineageId, 2)),
      (left) => left < 1_900,
    );
    await spendLimits(redis, spend);
    const refused = await spendLimits(redis, spend);
    expect(refused).toMatchObject({ outcome: 'rate_limited', rateSpent: 2 });
    if (!('windowLeftMs' in refused)) throw new Error('unreachable');
    expect(refused.windowLeftMs).toBeLessThan(1_900);
    await eventually(
      5_000,
      () => spendLimits(redis, spend),
      ({ outcome }) => outcome === 'spent',
    );
  });
});

describe('a quota whose counter is absent', () => {
  test('asks for its start and spends nothing until it is told', async () => {
    const spend = spendOf({ rateLimit: minute(10), quota: daily(10), period: undefined });
    expect(await spendLimits(redis, spend)).toEqual({ outcome: 'quota_start_needed' });
    expect(await counters(spend)).toEqual([null, null]);
    expect(await spendLimits(redis, { ...spend, period: { spent: 8, isAll: true } })).toMatchObject({
      outcome: 'spent',
      quotaSpent: 9,
    });
  });

  test('takes the first start that a caller brings, and no second one', async () => {
    const spend = spendOf({ quota: daily(100), period: { spent: 40, isAll: true } });
    await spendLimits(redis, spend);
    expect(await spendLimits(redis, spend)).toMatchObject({ quotaSpent: 42 });
  });
});

describe('what the caller knows better than Redis', () => {
  const window = (changed: Partial<NonNullable<Spend['window']>>) => ({
    owed: 0,
    spent: 0,
    leftMs: 5_000,
    ...changed,
  });

  test('is added to the window: what was let in without Redis, also when the call itself is refused', async () => {
    const spend = spendOf({ rateLimit: minute(10), cost: 2 });
    await spendLimits(redis, spend);
    const owing = { ...spend, cost: 0, window: window({ owed: 3, spent: 2 }) };
    expect(await spendLimits(redis, owing)).toMatchObject({ outcome: 'spent', rateSpent: 5 });
    const refused = { ...owing, cost: 9 };
    expect(await spendLimits(redis, refused)).toMatchObject({ outcome: 'rate_limited', rateSpent: 8 });
    expect(await redis.pttl(keyspace.rate(spend.lineageId, 60))).toBeGreaterThan(50_000);
  });

  test('starts a window that Redis has lost, for what is left of it, and changes none that it has', async () => {
    const spend = spendOf({ rateLimit: minute(10), window: window({ spent: 7, owed: 1 }) });
    const restored = await spendLimits(redis, spend);
    expect(restored).toMatchObject({ outcome: 'spent', rateSpent: 9 });
    const leftMs = await redis.pttl(keyspace.rate(spend.lineageId, 60));
    expect(leftMs).toBeGreaterThan(3_000);
    expect(leftMs).toBeLessThanOrEqual(5_000);
    const knowsMore = { ...spend, window: window({ spent: 10 }) };
    expect(await spendLimits(redis, knowsMore)).toMatchObject({ outcome: 'spent', rateSpent: 10 });
  });

  test('raises the counter of a quota and never lowers it', async () => {
    const spend = spendOf({ quota: daily(100), period: { spent: 40, isAll: true } });
    expect(await spendLimits(redis, spend)).toMatchObject({ quotaSpent: 41 });
    const less = { ...spend, period: { spent: 10, isAll: true } };
    expect(await spendLimits(redis, less)).toMatchObject({ quotaSpent: 42 });
    const more = { ...spend, period: { spent: 60, isAll: false } };
    expect(await spendLimits(redis, more)).toMatchObject({ quotaSpent: 61 });
    const all = { ...spend, period: { spent: 100, isAll: false } };
    expect(await spendLimits(redis, all)).toMatchObject({ outcome: 'quota_exceeded', quotaSpent: 100 });
    const nothing = { ...spend, cost: 0, period: undefined };
    expect(await spendLimits(redis, nothing)).toMatchObject({ outcome: 'spent', quotaSpent: 100 });
  });

  test('is not enough for a lost quota counter when it is not all', async () => {
    const spend = spendOf({
      rateLimit: minute(10),
      window: window({ owed: 3 }),
      quota: daily(100),
      period: { spent: 40, isAll: false },
    });
    expect(await spendLimits(redis, spend)).toEqual({ outcome: 'quota_start_needed' });
    expect(await counters(spend)).toEqual([null, null]);
  });
});

describe('a window of another length', () => {
  test('is another counter', async () => {
    const spend = spendOf({ rateLimit: { limit: 1, window_seconds: 2_678_400 } });
    await spendLimits(redis, spend);
    const shorter = { ...spend, rateLimit: minute(1) };
    expect(await spendLimits(redis, shorter)).toMatchObject({ outcome: 'spent', rateSpent: 1 });
    expect((await spendLimits(redis, shorter)).outcome).toBe('rate_limited');
  });
});

describe('two hundred calls at once from several processes', () => {
  test.each([
    ['a rate limit', { rateLimit: minute(50) }],
    ['a quota', { quota: daily(50) }],
    ['both', { rateLimit: minute(50), quota: daily(70) }],
  ])('get exactly fifty times through %s of fifty', async (_what, limits) => {
    const connections = await Promise.all(Array.from({ length: 4 }, () => stores.connectRedis()));
    const spend = spendOf(limits);
    const calls = Array.from({ length: 200 }, (_, call) =>
      spendLimits(connections[call % 4] ?? redis, spend),
    );
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'spent')).toHaveLength(50);
    const [rate, quota] = await counters(spend);
    for (const counter of [rate, quota]) if (counter !== null) expect(counter).toBe('50');
  });
});

test('the script is there again after a flush of scripts and data', async () => {
  const spend = spendOf({ rateLimit: minute(10) });
  await spendLimits(redis, spend);
  await stores.flushRedis();
  await redis.script('FLUSH', 'SYNC');
  expect(await spendLimits(redis, spend)).toMatchObject({ outcome: 'spent', rateSpent: 1 });
});

describe('a counter that somebody else has written', () => {
  const rateKey = ({ lineageId }: Spend) => keyspace.rate(lineageId, 60);
  const quotaKey = ({ lineageId }: Spend) => keyspace.quota(lineageId, 'day', dayStart);

  test.each(['-5', '', 'x', 'nan', 'inf', '1e3', '0x10', '1.5', '9'.repeat(18), ' 1'])(
    'as %j counts as absent, and is replaced',
    async (forged) => {
      const spend = spendOf({ rateLimit: minute(2), quota: daily(2) });
      await redis.mset(rateKey(spend), forged, quotaKey(spend), forged);
      expect(await spendLimits(redis, { ...spend, period: undefined })).toEqual({
        outcome: 'quota_start_needed',
      });
      expect(await spendLimits(redis, spend)).toMatchObject({
        outcome: 'spent',
        rateSpent: 1,
        quotaSpent: 1,
      });
      expect(await counters(spend)).toEqual(['1', '1']);
    },
  );

  test('of another type counts as absent, too', async () => {
    const spend = spendOf({ rateLimit: minute(2), quota: daily(2) });
    await redis.sadd(rateKey(spend), '1');
    await redis.lpush(quotaKey(spend), '1');
    expect(await spendLimits(redis, spend)).toMatchObject({ outcome: 'spent', rateSpent: 1, quotaSpent: 1 });
  });

  test.each([
    ['no end', -1],
    ['an end in a hundred thousand years', 4e15],
  ])('with %s refuses for one window at most', async (_what, ttlMs) => {
    const spend = spendOf({ rateLimit: minute(2) });
    await redis.set(rateKey(spend), '2');
    if (ttlMs > 0) await redis.pexpire(rateKey(spend), ttlMs);
    const refused = await spendLimits(redis, spend);
    expect(refused).toMatchObject({ outcome: 'rate_limited', windowLeftMs: 60_000 });
    expect(await redis.pttl(rateKey(spend))).toBeLessThanOrEqual(60_000);
    expect(await redis.pttl(rateKey(spend))).toBeGreaterThan(0);
  });
});
