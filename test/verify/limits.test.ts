import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import type { UsageFlush } from '../../src/domain/usage.ts';
import type { VerdictCode } from '../../src/domain/verdict.ts';
import { applyFlushes } from '../../src/stores/postgres/usage/flushes.ts';
import { pushFlush } from '../../src/stores/redis/usage-flushes.ts';
import { patience } from '../../src/verify/counted-limits.ts';
import { eventually } from '../support/eventually.ts';
import { keyRecord } from '../support/key-record.ts';
import { newLimits } from '../support/limits.ts';
import { startStallingProxy } from '../support/stalling-proxy.ts';
import { openStores, readyRedis } from '../support/stores.ts';
import { usageFlush, usageMark } from '../support/usage.ts';

const stores = await openStores();
afterAll(() => stores.close());

let lines = 0;
/** A line of keys of its own, so that no test spends from another's limit. */
function limited(changed: Partial<KeyRecord>): KeyRecord {
  lines += 1;
  return keyRecord({ lineageId: `flk_line_${lines}`, ...changed });
}

const noon = new Date('2030-05-15T12:00:00.000Z');
const { limits } = newLimits(stores, { now: noon });
const spend = (record: KeyRecord, cost = 1, now = noon) => limits.spend(record, cost, now);

describe('a rate limit', () => {
  test('lets as much through as it allows, says what is left, and then refuses', async () => {
    const record = limited({ rateLimit: { limit: 2, window_seconds: 60 } });
    const states = [await spend(record), await spend(record), await spend(record)];
    expect(states.map(({ refusal, rate_limit }) => [refusal, rate_limit?.remaining])).toEqual([
      [undefined, 1],
      [undefined, 0],
      ['RATE_LIMITED', 0],
    ]);
    expect(states[2]?.rate_limit).toMatchObject({ limit: 2, window_seconds: 60, enforced: true });
    const resetMs = Date.parse(states[2]?.rate_limit?.reset_at ?? '') - noon.getTime();
    expect(resetMs).toBeGreaterThan(50_000);
    expect(resetMs).toBeLessThanOrEqual(60_000);
  });

  test('refuses a cost that is more than what is left, and leaves what is left to smaller ones', async () => {
    const record = limited({ rateLimit: { limit: 5, window_seconds: 60 } });
    expect((await spend(record, 4)).refusal).toBeUndefined();
    expect((await spend(record, 2)).refusal).toBe('RATE_LIMITED');
    expect(await spend(record, 1)).toMatchObject({ refusal: undefined, rate_limit: { remaining: 0 } });
  });

  test('of a line of keys is one, whichever key of the line is used', async () => {
    const rateLimit = { limit: 1, window_seconds: 60 };
    const first = limited({ id: 'flk_old', rateLimit });
    expect((await spend(first)).refusal).toBeUndefined();
    expect((await spend({ ...first, id: 'flk_new' })).refusal).toBe('RATE_LIMITED');
  });
});

describe('a quota', () => {
  test('lets as much through as it allows until its period ends, and anew in the next', async () => {
    const record = limited({ quota: { limit: 2, period: 'day' } });
    const late = new Date('2030-05-15T23:59:59.999Z');
    expect(await spend(record, 2, late)).toMatchObject({
      refusal: undefined,
      quota: { limit: 2, remaining: 0, reset_at: '2030-05-16T00:00:00.000Z', period: 'day', enforced: true },
    });
    expect((await spend(record, 1, late)).refusal).toBe('QUOTA_EXCEEDED');
    expect((await spend(record, 1, new Date('2030-05-16T00:00:00.000Z'))).refusal).toBeUndefined();
  });

  test('of a month spans its days', async () => {
    const record = limited({ quota: { limit: 1, period: 'month' } });
    expect((await spend(record, 1, new Date('2030-02-01T00:00:00.000Z'))).refusal).toBeUndefined();
    expect(await spend(record, 1, new Date('2030-02-28T23:59:59.999Z'))).toMatchObject({
      refusal: 'QUOTA_EXCEEDED',
      quota: { reset_at: '2030-03-01T00:00:00.000Z' },
    });
  });

  test('that was turned from a day into a month counts what the earlier days of the month have spent', async () => {
    const line = limited({});
    const count = (day: string, cost: number) => countInPostgres(line.lineageId, new Date(day), cost);
    const perDay = { ...line, quota: { limit: 100, period: 'day' as const } };
    await spend(perDay, 10, new Date('2030-06-01T12:00:00Z'));
    await count('2030-06-01T12:00:00Z', 10);
    await spend(perDay, 10, new Date('2030-06-02T11:00:00Z'));
    await count('2030-06-02T11:00:00Z', 10);
    const perMonth = { ...line, quota: { limit: 100, period: 'month' as const } };
    const verdict = await spend(perMonth, 1, new Date('2030-06-02T12:00:00Z'));
    expect(verdict.quota?.remaining).toBe(100 - 21);
  });

  test('whose counter Redis has lost goes on from what Postgres has counted', async () => {
    const record = limited({ quota: { limit: 10, period: 'month' } });
    await spend(record, 8);
    await countInPostgres(record.lineageId, new Date('2030-05-01T00:00:00Z'), 3);
    await countInPostgres(record.lineageId, noon, 5);
    await countInPostgres(record.lineageId, new Date('2030-04-30T23:59:00Z'), 100);
    await stores.flushRedis();
    expect((await spend(record, 3)).refusal).toBe('QUOTA_EXCEEDED');
    expect(await spend(record, 2)).toMatchObject({ refusal: undefined, quota: { remaining: 0 } });
  });
});

describe('the start of a quota', () => {
  const daily = (limit: number) => ({ quota: { limit, period: 'day' as const } });

  test('is read once, however many first calls come at once, and exactly as many get through', async () => {
    const questions = vi.fn();
    const db = stores.observed((text, run) => {
      if (text.includes('usage_days')) questions();
      return run();
    });
    const record = limited(daily(30));
    await countInPostgres(record.lineageId, noon, 10);
    const process = newLimits({ redis: stores.redis, db });
    const calls = Array.from({ length: 500 }, () => process.limits.spend(record, 1, noon));
    const refusals = (await Promise.all(calls)).map(({ refusal }) => refusal);
    expect(refusals.filter((refusal) => refusal === undefined)).toHaveLength(20);
    expect(questions).toHaveBeenCalledTimes(1);
    expect(new Set(process.decisions)).toEqual(new Set(['counted']));
  });

  test('counts what is on its way: held by this process, waiting in Redis, or both there and in Postgres', async () => {
    const record = limited(daily(100));
    const { lineageId } = record;
    await countInPostgres(lineageId, noon, 1);
    await pushFlush(stores, flushOf(lineageId, noon, 10));
    await pushFlush(stores, flushOf(lineageId, new Date('2030-05-14T12:00:00Z'), 500));
    await pushFlush(stores, flushOf(lineageId, noon, 700, 'RATE_LIMITED'));
    const claimed = flushOf(lineageId, noon, 20);
    await applyFlushes(stores.db, [claimed]);
    await pushFlush(stores, claimed);
    const process = newLimits(stores);
    process.usage.mark({ openMark: undefined }, lineageId, 'VALID', 30, noon.getTime());
    const verdict = await process.limits.spend(record, 1, noon);
    expect(verdict.quota?.remaining).toBe(100 - 1 - 10 - 20 - 30 - 1);
  });

  test('counts the calls of a time without a quota, when the same one is set again', async () => {
    const record = limited({ ...daily(100), revision: 1 });
    expect((await spend(record)).quota?.remaining).toBe(99);
    await countInPostgres(record.lineageId, noon, 1);
    await countInPostgres(record.lineageId, noon, 60);
    expect((await spend({ ...record, revision: 3 })).quota?.remaining).toBe(100 - 61 - 1);
  });

  test('is corrected after a second by what another process still held at the first call', async () => {
    const record = limited(daily(100));
    expect((await spend(record)).quota?.remaining).toBe(99);
    // The other process let these in before it heard of the quota, and hands them over 250 ms later
    // at most.
    await sleep(250);
    await pushFlush(stores, flushOf(record.lineageId, noon, 40));
    const { quota } = await eventually(
      2_000,
      () => spend(record, 0),
      (verdict) => verdict.quota?.remaining !== 99,
    );
    expect(quota?.remaining).toBe(60);
  });

  test('is not waited for longer than half a second: then this process lets its share through', async () => {
    const db = stores.observed(async (text, run) => {
      if (text.includes('usage_days')) await sleep(1_000);
      return run();
    });
    const process = newLimits({ redis: stores.redis, db }, { processes: 2, patience });
    const startedMs = performance.now();
    const verdict = await process.limits.spend(limited(daily(10)), 1, noon);
    expect(performance.now() - startedMs).toBeLessThan(900);
    expect(verdict).toMatchObject({ refusal: undefined, quota: { enforced: 'local', remaining: 4 } });
  });
});

describe('a window whose length changes', () => {
  test('is a new one, whatever is left of the old one', async () => {
    const record = limited({ rateLimit: { limit: 1, window_seconds: 2_678_400 } });
    await spend(record);
    expect((await spend(record)).refusal).toBe('RATE_LIMITED');
    const shorter = { ...record, rateLimit: { limit: 1, window_seconds: 60 } };
    const verdict = await spend(shorter);
    expect(verdict).toMatchObject({ refusal: undefined, rate_limit: { remaining: 0 } });
    expect((await spend(shorter)).refusal).toBe('RATE_LIMITED');
  });
});

describe('while Redis is away', () => {
  const rateLimit = { limit: 12, window_seconds: 60 };
  const quota = { limit: 12, period: 'day' as const };

  async function processWithout(changed: Parameters<typeof newLimits>[1] = {}) {
    const redis = await stores.connectRedis();
    const process = newLimits({ redis, db: stores.db }, { now: noon, ...changed });
    return {
      ...process,
      redis,
      spend: (record: KeyRecord, cost = 1) => process.limits.spend(record, cost, noon),
    };
  }

  const passes = async (calls: number, call: () => Promise<{ refusal: unknown }>) => {
    let passed = 0;
    for (let made = 0; made < calls; made++) if ((await call()).refusal === undefined) passed += 1;
    return passed;
  };

  test.each([
    ['a rate limit', { rateLimit }, 'RATE_LIMITED'],
    ['a quota', { quota }, 'QUOTA_EXCEEDED'],
    ['both', { rateLimit, quota }, 'RATE_LIMITED'],
  ] as const)('%s lets the share of this process through, and says so', async (_what, limit, refusal) => {
    const { redis, spend: call } = await processWithout({ processes: 3 });
    redis.disconnect();
    const record = limited(limit);
    const first = await call(record, 3);
    for (const state of [first.rate_limit, first.quota]) {
      if (state !== undefined) expect(state).toMatchObject({ limit: 12, remaining: 1, enforced: 'local' });
    }
    expect((await call(record, 2)).refusal).toBe(refusal);
    expect((await call(record)).refusal).toBeUndefined();
    const refused = await call(record);
    expect(refused.refusal).toBe(refusal);
    const { reset_at } = refused.rate_limit ?? refused.quota ?? {};
    expect(Date.parse(reset_at ?? '')).toBeGreaterThan(noon.getTime() + 50_000);
    expect('rate_limit' in refused).toBe('rateLimit' in limit);
    expect('quota' in refused).toBe('quota' in limit);
  });

  test('a share is of what was left when Redis was last heard, and at least 1 while anything was', async () => {
    const { redis, spend: call } = await processWithout({ processes: 3 });
    const [half, nearly, spent] = [limited({ rateLimit }), limited({ rateLimit }), limited({ rateLimit })];
    for (const [record, cost] of [
      [half, 6],
      [nearly, 11],
      [spent, 12],
    ] as const)
      await call(record, cost);
    redis.disconnect();
    expect(await passes(6, () => call(half))).toBe(2);
    expect(await passes(6, () => call(nearly))).toBe(1);
    expect(await passes(6, () => call(spent))).toBe(0);
  });

  test('a share of a quota that Redis was never asked about is of what Postgres knows to be left', async () => {
    const { redis, spend: call } = await processWithout({ processes: 2 });
    redis.disconnect();
    const record = limited({ quota });
    await countInPostgres(record.lineageId, noon, 6);
    expect(await passes(10, () => call(record))).toBe(3);
  });

  test('and Postgres too, a share is of the whole quota', async () => {
    const redis = await stores.connectRedis();
    redis.disconnect();
    const db = stores.observed(() => Promise.reject(new Error('away')));
    const process = newLimits({ redis, db }, { processes: 2 });
    const record = limited({ quota });
    expect(await passes(10, () => process.limits.spend(record, 1, noon))).toBe(6);
  });

  test('a window that is over is a new one, with a new share', async () => {
    const { redis, spend: call } = await processWithout({ processes: 1 });
    const record = limited({ rateLimit: { limit: 2, window_seconds: 1 } });
    await call(record, 2);
    redis.disconnect();
    expect((await call(record)).refusal).toBe('RATE_LIMITED');
    await sleep(1_050);
    expect(await passes(4, () => call(record))).toBe(2);
  });

  test.each([
    [
      'a rate limit that says "allow" does not limit',
      { rateLimit: { ...rateLimit, on_unavailable: 'allow' } },
    ],
    ['a quota that says "allow" does not limit', { quota: { ...quota, on_unavailable: 'allow' } }],
  ] as const)('%s', async (_what, limit) => {
    const { redis, spend: call } = await processWithout();
    redis.disconnect();
    const verdict = await call(limited(limit), 100);
    expect(verdict.refusal).toBeUndefined();
    const state = verdict.rate_limit ?? verdict.quota;
    expect(state).toMatchObject({ enforced: false, remaining: null, reset_at: null });
  });

  test.each([
    [
      'a rate limit that says "deny" refuses',
      { rateLimit: { ...rateLimit, on_unavailable: 'deny' } },
      'RATE_LIMITED',
    ],
    ['a quota that says "deny" refuses', { quota: { ...quota, on_unavailable: 'deny' } }, 'QUOTA_EXCEEDED'],
    [
      'one "deny" is enough',
      { rateLimit: { ...rateLimit, on_unavailable: 'allow' }, quota: { ...quota, on_unavailable: 'deny' } },
      'QUOTA_EXCEEDED',
    ],
    [
      'an "allow" does not open the other limit',
      { rateLimit: { limit: 0, window_seconds: 60 }, quota: { ...quota, on_unavailable: 'allow' } },
      'RATE_LIMITED',
    ],
  ] as const)('%s', async (_what, limit, refusal) => {
    const { redis, spend: call } = await processWithout();
    redis.disconnect();
    expect((await call(limited(limit))).refusal).toBe(refusal);
  });

  test('a refusal by one limit spends nothing of the other', async () => {
    const { redis, spend: call } = await processWithout();
    redis.disconnect();
    const record = limited({ rateLimit, quota: { limit: 3, period: 'day' } });
    expect((await call(record, 4)).refusal).toBe('QUOTA_EXCEEDED');
    expect(await call(record, 3)).toMatchObject({ refusal: undefined, rate_limit: { remaining: 9 } });
  });

  test('a line of keys for which there is no room is refused; one without calls of its own makes room', async () => {
    const { redis, spend: call } = await processWithout({ linesMax: 2 });
    const idle = limited({ rateLimit });
    await call(idle);
    redis.disconnect();
    const [first, second, third] = [limited({ rateLimit }), limited({ quota }), limited({ rateLimit })];
    expect((await call(first)).refusal).toBeUndefined();
    expect((await call(second)).refusal).toBeUndefined();
    expect(await call(third)).toMatchObject({
      refusal: 'RATE_LIMITED',
      rate_limit: { enforced: 'local', remaining: 0, reset_at: null },
    });
  });
});

describe('when Redis is back', () => {
  const rateLimit = { limit: 10, window_seconds: 60 };
  const quota = { limit: 10, period: 'day' as const };

  async function outage(during: (redis: Redis) => Promise<unknown>) {
    const redis = await stores.connectRedis();
    const process = newLimits({ redis, db: stores.db }, { now: noon });
    const call = (record: KeyRecord, cost = 1) => process.limits.spend(record, cost, noon);
    const goAway = async () => {
      redis.disconnect();
      await once(redis, 'end');
      await during(redis);
      await redis.connect();
    };
    return { ...process, call, goAway, redis };
  }

  test('it counts what was let in without it', async () => {
    const record = limited({ rateLimit });
    const { call, goAway } = await outage(() => call(record, 4));
    await call(record, 3);
    await goAway();
    expect(await call(record)).toMatchObject({ rate_limit: { remaining: 2, enforced: true } });
    expect(await call(record)).toMatchObject({ rate_limit: { remaining: 1 } });
  });

  test('and empty, a window goes on from what this process knows', async () => {
    const record = limited({ rateLimit });
    const { call, goAway } = await outage(async () => {
      await call(record, 4);
      await stores.flushRedis();
      await sleep(100);
    });
    await call(record, 3);
    await goAway();
    const verdict = await call(record);
    expect(verdict).toMatchObject({ rate_limit: { remaining: 2, enforced: true } });
    expect(Date.parse(verdict.rate_limit?.reset_at ?? '')).toBeLessThan(noon.getTime() + 59_950);
  });

  test.each([false, true])('calls from a quota are counted once (empty: %s)', async (isEmpty) => {
    const record = limited({ quota });
    const marked = async (cost: number) => {
      const verdict = await call(record, cost);
      if (verdict.refusal === undefined) {
        usage.mark({ openMark: undefined }, record.lineageId, 'VALID', cost, noon.getTime());
      }
      return verdict;
    };
    const { call, goAway, usage } = await outage(async () => {
      await marked(3);
      if (isEmpty) await stores.flushRedis();
    });
    await marked(2);
    await goAway();
    expect(await marked(1)).toMatchObject({ quota: { remaining: 4, enforced: true } });
  });

  test('it hears of calls of a key that is not called again', async () => {
    const record = limited({ rateLimit });
    const { call, goAway, limits: process } = await outage(() => call(record, 4));
    await goAway();
    process.start();
    onTestFinished(() => process.stop());
    const other = newLimits(stores, { now: noon });
    const { rate_limit } = await eventually(
      2_000,
      () => other.limits.spend(record, 0, noon),
      (verdict) => verdict.rate_limit?.remaining !== 10,
    );
    expect(rate_limit?.remaining).toBe(6);
  });
});

describe('while Redis is late', () => {
  const rateLimit = { limit: 10, window_seconds: 60 };

  async function behindProxy() {
    const proxy = await startStallingProxy(stores.redisUrl);
    onTestFinished(() => proxy.close());
    const redis = await readyRedis(proxy.url);
    onTestFinished(() => redis.disconnect());
    const process = newLimits({ redis, db: stores.db }, { now: noon, patience });
    return { ...process, proxy, call: (record: KeyRecord) => process.limits.spend(record, 1, noon) };
  }

  test('one call waits for it, and no other does', async () => {
    const { proxy, call } = await behindProxy();
    const record = limited({ rateLimit });
    await call(record);
    proxy.stall();
    expect((await call(record)).rate_limit?.enforced).toBe('local');
    const startedMs = performance.now();
    for (let calls = 0; calls < 5; calls++) await call(record);
    expect(performance.now() - startedMs).toBeLessThan(90);
  });

  test('its late answer is heard: the call is counted once', async () => {
    const { proxy, call } = await behindProxy();
    const record = limited({ rateLimit });
    await call(record);
    proxy.stall();
    const during = await Promise.all([call(record), call(record), call(record)]);
    expect(during.map(({ rate_limit }) => rate_limit?.enforced)).toEqual(['local', 'local', 'local']);
    proxy.resume();
    const after = await eventually(
      2_000,
      () => call({ ...record, rateLimit }),
      (verdict) => verdict.rate_limit?.enforced === true,
    );
    const other = await newLimits(stores).limits.spend(record, 0, noon);
    expect(other.rate_limit?.remaining).toBe(after.rate_limit?.remaining);
    expect(after.rate_limit?.remaining).toBeLessThanOrEqual(5);
  });
});

describe('OVERLOADED', () => {
  const record = limited({ rateLimit: { limit: 10, window_seconds: 60 } });
  const overloaded = expect.objectContaining({ code: 'OVERLOADED', retryAfterSeconds: 1 });

  test('when this process is late, whether Redis is there or not', async () => {
    const late = newLimits(stores, { latenessMs: 200 });
    await expect(late.limits.spend(record, 1, noon)).rejects.toEqual(overloaded);
    const redis = await stores.connectRedis();
    redis.disconnect();
    const alone = newLimits({ redis, db: stores.db }, { latenessMs: 200 });
    await expect(alone.limits.spend(record, 1, noon)).rejects.toEqual(overloaded);
    expect([...late.decisions, ...alone.decisions]).toEqual(['overloaded', 'overloaded']);
  });

  test('when too many calls are under way', async () => {
    const process = newLimits(stores);
    const calls = Array.from({ length: 4_100 }, () => process.limits.spend(record, 0, noon));
    const settled = await Promise.allSettled(calls);
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(100);
    expect(refused[0]).toMatchObject({ reason: overloaded });
  });
});

function flushOf(lineageId: string, at: Date, cost: number, code: VerdictCode = 'VALID'): UsageFlush {
  return usageFlush(usageMark(lineageId, at.toISOString(), { code, cost }));
}

async function countInPostgres(lineageId: string, at: Date, cost: number): Promise<void> {
  await applyFlushes(stores.db, [flushOf(lineageId, at, cost)]);
}
