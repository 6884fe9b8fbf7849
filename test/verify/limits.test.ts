import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { startOfMinuteMs } from '../../src/domain/usage.ts';
import { applyFlushes } from '../../src/stores/postgres/usage.ts';
import { spendKeyLimits } from '../../src/verify/limits.ts';
import { keyRecord } from '../support/key-record.ts';
import { openStores } from '../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

let lines = 0;
/** A line of keys of its own, so that no test spends from another's limit. */
function limited(changed: Partial<KeyRecord>): KeyRecord {
  lines += 1;
  return keyRecord({ lineageId: `flk_line_${lines}`, ...changed });
}

const noon = new Date('2030-05-15T12:00:00.000Z');
const spend = (record: KeyRecord, cost = 1, now = noon) => spendKeyLimits(stores, record, cost, now);

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

describe('while Redis is away', () => {
  const spendAway = async (record: KeyRecord) =>
    spendKeyLimits({ redis: await redisAway(), db: stores.db }, record, 1, noon);
  const rateLimit = { limit: 1, window_seconds: 60 };
  const quota = { limit: 1, period: 'day' as const };

  test.each([
    ['a rate limit lets everything through', { rateLimit }, undefined],
    ['a quota lets everything through', { quota }, undefined],
    [
      'limits that say "allow" do so',
      { rateLimit: { ...rateLimit, on_unavailable: 'allow' }, quota: { ...quota, on_unavailable: 'allow' } },
      undefined,
    ],
    [
      'a rate limit that says "deny" refuses',
      { rateLimit: { ...rateLimit, on_unavailable: 'deny' } },
      'RATE_LIMITED',
    ],
    ['a quota that says "deny" refuses', { quota: { ...quota, on_unavailable: 'deny' } }, 'QUOTA_EXCEEDED'],
    ['one "deny" is enough', { rateLimit, quota: { ...quota, on_unavailable: 'deny' } }, 'QUOTA_EXCEEDED'],
  ] as const)('%s, and says that nothing was enforced', async (_what, limits, refusal) => {
    const verdict = await spendAway(limited(limits));
    expect(verdict.refusal).toBe(refusal);
    for (const state of [verdict.rate_limit, verdict.quota]) {
      if (state !== undefined)
        expect(state).toMatchObject({ enforced: false, remaining: null, reset_at: null });
    }
    expect('rate_limit' in verdict).toBe('rateLimit' in limits);
    expect('quota' in verdict).toBe('quota' in limits);
  });

  test('a quota that Redis asks Postgres about says the same when Postgres is away too', async () => {
    const away = stores.observed(() => Promise.reject(new Error('away')));
    const record = limited({ quota: { ...quota, on_unavailable: 'deny' } });
    const verdict = await spendKeyLimits({ redis: stores.redis, db: away }, record, 1, noon);
    expect(verdict).toMatchObject({ refusal: 'QUOTA_EXCEEDED', quota: { enforced: false } });
  });
});

async function redisAway() {
  const redis = await stores.connectRedis();
  redis.disconnect();
  return redis;
}

async function countInPostgres(lineageId: string, at: Date, cost: number): Promise<void> {
  const atMs = at.getTime();
  const mark = { lineageId, minuteMs: startOfMinuteMs(atMs), code: 'VALID' as const, calls: 1, cost };
  await applyFlushes(stores.db, [
    { id: randomUUID(), marks: [{ ...mark, firstAtMs: atMs, lastAtMs: atMs }] },
  ]);
}
