import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRedis } from '../../../src/stores/redis/client.ts';
import { block } from '../../support/block.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import { getKey, mint, update, verify } from '../../support/keys.ts';
import { dayMs, walkClock } from '../../support/walk-clock.ts';
import { knockOnce } from './door.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const hourly = (limit: number) => ({ rate_limit: { limit, window_seconds: 3_600 } });
const daily = (limit: number) => ({ quota: { limit, period: 'day' } });

test('RATE_LIMITED: a window takes so much cost and no more, and says when it opens again', async () => {
  const { key } = await mint(broker, hourly(2));
  expect((await verify(broker, key)).rate_limit).toMatchObject({
    limit: 2,
    remaining: 1,
    window_seconds: 3_600,
  });
  expect((await verify(broker, key)).rate_limit).toMatchObject({ remaining: 0, enforced: true });
  const refused = await verify(broker, key);
  expect(refused).toStrictEqual({
    valid: false,
    code: 'RATE_LIMITED',
    rate_limit: {
      limit: 2,
      remaining: 0,
      window_seconds: 3_600,
      enforced: true,
      reset_at: expect.any(String),
    },
  });
  const opensInMs = Date.parse(refused.rate_limit.reset_at) - Date.now();
  expect(opensInMs).toBeGreaterThan(3_500_000);
  expect(opensInMs).toBeLessThan(3_700_000);
});

test('a window that is over lets calls in again', async () => {
  const { key } = await mint(broker, { rate_limit: { limit: 1, window_seconds: 1 } });
  expect((await verify(broker, key)).code).toBe('VALID');
  await sleep(1_100);
  expect((await verify(broker, key)).code).toBe('VALID');
});

test('QUOTA_EXCEEDED: a period takes so much cost and no more, and says when it ends', async () => {
  const { key } = await mint(broker, daily(2));
  expect((await verify(broker, key, { cost: 2 })).quota).toMatchObject({ limit: 2, remaining: 0 });
  const refused = await verify(broker, key);
  const { quota } = refused;
  expect(refused).toStrictEqual({
    valid: false,
    code: 'QUOTA_EXCEEDED',
    quota: { limit: 2, remaining: 0, period: 'day', enforced: true, reset_at: expect.any(String) },
  });
  expect(quota.reset_at).toMatch(/T00:00:00\.000Z$/);
  const leftMs = Date.parse(quota.reset_at) - Date.now();
  expect(leftMs).toBeGreaterThan(-60_000);
  expect(leftMs).toBeLessThanOrEqual(dayMs);
});

test('a new UTC day and a new month bring a new quota', async () => {
  const byDay = await mint(broker, daily(1));
  const byMonth = await mint(broker, { quota: { limit: 1, period: 'month' } });
  for (const { key } of [byDay, byMonth]) {
    await verify(broker, key);
    expect((await verify(broker, key)).code).toBe('QUOTA_EXCEEDED');
  }
  walkClock(broker, dayMs);
  expect((await verify(broker, byDay.key)).code).toBe('VALID');
  walkClock(broker, 31 * dayMs);
  expect((await verify(broker, byMonth.key)).code).toBe('VALID');
});

test('cost spends that much: by default 1, with 0 nothing, and all of it or none', async () => {
  const { key } = await mint(broker, { ...hourly(10), ...daily(8) });
  const spend = async (body: object) => {
    const { code, rate_limit, quota } = await verify(broker, key, body);
    return [code, rate_limit.remaining, quota.remaining];
  };
  expect(await spend({})).toEqual(['VALID', 9, 7]);
  expect(await spend({ cost: 4 })).toEqual(['VALID', 5, 3]);
  expect(await spend({ cost: 0 })).toEqual(['VALID', 5, 3]);
  expect(await spend({ cost: 6 })).toEqual(['RATE_LIMITED', 5, 3]);
  expect(await spend({ cost: 4 })).toEqual(['QUOTA_EXCEEDED', 5, 3]);
  expect(await spend({ cost: 3 })).toEqual(['VALID', 2, 0]);
  expect(await spend({ cost: 0 })).toEqual(['VALID', 2, 0]);
  expect(await spend({})).toEqual(['QUOTA_EXCEEDED', 2, 0]);
});

test('a refusal spends no limit and no quota, and counts as nothing but a refusal', async () => {
  const { key, key_id } = await mint(broker, {
    ...hourly(10),
    ...daily(10),
    scopes: ['read'],
    ip_allowlist: ['10.0.0.0/8'],
  });
  const asked = { ip: '10.0.0.1', cost: 4 };
  for (const refusedFor of [
    { environment: 'prod' },
    { organization_id: 'org_other' },
    { ip: '192.0.2.1' },
    { scopes: ['write'] },
    { cost: 11 },
  ]) {
    expect((await verify(broker, key, { ...asked, ...refusedFor })).valid).toBe(false);
  }
  await update(broker, key_id, { enabled: false });
  expect((await verify(broker, key, asked)).valid).toBe(false);
  await update(broker, key_id, { enabled: true });
  const accepted = await verify(broker, key, asked);
  expect(accepted).toMatchObject({ valid: true, rate_limit: { remaining: 6 }, quota: { remaining: 6 } });
  await broker.settleUsage();
  const { usage } = (await getKey(broker, key_id)).body;
  expect(usage).toMatchObject({ total_requests: 1, refused_requests: 6, requests_today: 1 });
});

test('of many calls at once over two replicas exactly as many are accepted as the limit allows', async () => {
  const replica = await broker.replica();
  const { key, key_id } = await mint(broker, { ...hourly(20), ...daily(100) });
  const calls = Array.from({ length: 60 }, (_, index) => verify(index % 2 === 0 ? broker : replica, key));
  const codes = (await Promise.all(calls)).map((verdict) => verdict.code);
  expect(codes.filter((code) => code === 'VALID')).toHaveLength(20);
  expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(40);
  await replica.settleUsage();
  await broker.settleUsage();
  await replica.close();
  const { usage } = (await getKey(broker, key_id)).body;
  expect(usage).toMatchObject({ total_requests: 20, refused_requests: 40 });
});

test('a quota whose counter Redis lost starts from what Postgres has counted', async () => {
  const { key } = await mint(broker, daily(10));
  await verify(broker, key, { cost: 7 });
  await broker.settleUsage();
  await flushRedis();
  expect((await verify(broker, key)).quota).toMatchObject({ remaining: 2 });
});

async function flushRedis(): Promise<void> {
  const redis = openRedis({ redisUrl: broker.config.REDIS_URL, commandTimeoutMs: 1_000 }, () => undefined);
  await new Promise((resolve) => redis.once('ready', resolve));
  await redis.flushdb();
  redis.disconnect();
}

describe('OVERLOADED: a process whose event loop is late', () => {
  /** Makes it late, and asks at once; again, should it have caught up before the request came. */
  async function askWhileLate(ask: () => Promise<Answer>): Promise<Answer> {
    const lateAnswer = async () => {
      for (let turn = 0; turn < 3; turn++) {
        block(300);
        await sleep(0);
      }
      return ask();
    };
    return eventually(15_000, lateAnswer, ({ status }) => status === 503);
  }

  test('refuses limited keys with 503 at both doors, spends nothing, and goes on for the others', async () => {
    const [limited, unlimited] = [await mint(broker, hourly(5)), await mint(broker)];
    const ask = (key: string) => broker.call('POST /v1/flowplate/api-keys/verify', { body: { key } });
    for (const { key } of [limited, unlimited]) expect((await ask(key)).body.code).toBe('VALID');

    const verdict = await askWhileLate(() => ask(limited.key));
    const others = await Promise.all(Array.from({ length: 5 }, () => ask(unlimited.key)));
    expect(verdict.body.error).toMatchObject({ code: 'OVERLOADED', status: 503 });
    expect(others.map(({ body }) => body.code)).toEqual(Array.from({ length: 5 }, () => 'VALID'));
    const door = await askWhileLate(() => knockOnce(broker, { 'x-api-key': limited.key }));
    expect(door.headers.get('x-flowplate-code')).toBe('unavailable');

    const after = await eventually(
      5_000,
      () => ask(limited.key),
      ({ status }) => status === 200,
    );
    await broker.settleUsage();
    const { usage } = (await getKey(broker, limited.key_id)).body;
    expect(after.body.rate_limit.enforced).toBe(true);
    expect(5 - after.body.rate_limit.remaining).toBe(usage.total_requests);
  });
});

test('a key that was minted without on_unavailable is shown without it, and takes "local", "deny" and "allow"', async () => {
  const { key_id } = await mint(broker, hourly(5));
  expect((await getKey(broker, key_id)).body.rate_limit).toStrictEqual({ limit: 5, window_seconds: 3_600 });
  for (const on_unavailable of ['local', 'deny', 'allow']) {
    const rate_limit = { limit: 5, window_seconds: 60, on_unavailable };
    expect((await update(broker, key_id, { rate_limit })).status).toBe(200);
    expect((await getKey(broker, key_id)).body.rate_limit).toStrictEqual(rate_limit);
  }
});

test('a window that is set shorter opens at once', async () => {
  const { key, key_id } = await mint(broker, { rate_limit: { limit: 1, window_seconds: 2_678_400 } });
  await verify(broker, key);
  expect((await verify(broker, key)).code).toBe('RATE_LIMITED');
  await update(broker, key_id, { rate_limit: { limit: 1, window_seconds: 1 } });
  expect((await verify(broker, key)).code).toBe('VALID');
});

test('a quota that is set later starts from all that was spent in the period', async () => {
  const { key, key_id } = await mint(broker);
  for (let call = 0; call < 4; call++) await verify(broker, key);
  const set = await update(broker, key_id, { quota: { limit: 6, period: 'month' } });
  expect(set.body.propagation).toBe('complete');
  expect((await verify(broker, key)).quota).toMatchObject({ remaining: 1, enforced: true });
});
