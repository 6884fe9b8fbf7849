import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { blockBeforeTimers } from '../../support/block.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { mint, verify } from '../../support/keys.ts';
import { readyRedis } from '../../support/stores.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';
import { expectRefusal, knockOnce, knockWith } from './door.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const hourly = (limit: number) => ({ rate_limit: { limit, window_seconds: 3_600 } });
const code = { 'x-flowplate-code': 'rate_limited' };

test('a limited key is told what the limit is and when to come back', async () => {
  const client = await mint(broker, { rate_limit: { limit: 1, window_seconds: 30 } });
  expect((await knockWith(broker, client)).status).toBe(200);
  const refused = await knockWith(broker, client);
  const retryAfter = refused.headers.get('retry-after');
  expectRefusal(refused, 429, 'Too many requests', {
    ...code,
    'retry-after': expect.stringMatching(/^(30|2\d)$/),
    ratelimit: `"rate";r=0;t=${retryAfter}`,
    'ratelimit-policy': '"rate";q=1;w=30',
  });
});

test('a retry after Retry-After is not too early', async () => {
  const client = await mint(broker, hourly(1));
  await knockWith(broker, client);
  const { rate_limit } = await verify(broker, client.key);
  const { headers } = await knockWith(broker, client);
  const backAtMs = broker.api.parts.clock.now().getTime() + Number(headers.get('retry-after')) * secondMs;
  // Redis and Postgres tell their times apart by a few milliseconds.
  expect(backAtMs).toBeGreaterThan(Date.parse(rate_limit.reset_at) - 50);
});

test('a spent quota is available again when its period ends, independent of the rate limit', async () => {
  const client = await mint(broker, { ...hourly(9), quota: { limit: 1, period: 'month' } });
  await knockWith(broker, client);
  const refused = await knockWith(broker, client);
  const [, rateLeft, quotaLeft] =
    /^"rate";r=8;t=(\d+), "quota";r=0;t=(\d+)$/.exec(refused.headers.get('ratelimit') ?? '') ?? [];
  expect(Number(rateLeft)).toBeLessThanOrEqual(3_600);
  expect(refused.headers.get('ratelimit-policy')).toBe('"rate";q=9;w=3600, "quota";q=1');
  expect(refused.headers.get('retry-after')).toBe(quotaLeft);
  expect(refused.status).toBe(429);
});

test("the seconds are told by the clock that decides, not by the machine's own", async () => {
  const client = await mint(broker, hourly(1));
  await knockWith(broker, client);
  walkClock(broker, 600 * secondMs);
  const { headers } = await knockWith(broker, client);
  expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(3_600);
  expect(headers.get('ratelimit')).toBe(`"rate";r=0;t=${headers.get('retry-after')}`);
});

test.each(['?deny=403', '/orders?page=2&deny=403', '?deny=403&page=2'])(
  '%s: the refusal is a 403 that says why it is one',
  async (below) => {
    const client = await mint(broker, hourly(1));
    await knockWith(broker, client);
    const refused = await knockWith(broker, client, {}, { below });
    expectRefusal(refused, 403, 'Too many requests', {
      ...code,
      'retry-after': expect.stringMatching(/^3[56]\d\d$/),
      ratelimit: expect.any(String),
      'ratelimit-policy': '"rate";q=1;w=3600',
    });
  },
);

test.each(['?deny=4030', '?xdeny=403', '/deny=403'])('%s changes nothing', async (below) => {
  const client = await mint(broker, hourly(1));
  await knockWith(broker, client);
  expect((await knockWith(broker, client, {}, { below })).status).toBe(429);
});

test('a pause of this process does not make a verdict late whose last answer has arrived meanwhile', async () => {
  const client = await mint(broker, hourly(20));
  expect((await knockWith(broker, client)).status).toBe(200);
  const slow = await readyRedis(broker.config.REDIS_URL);
  const { verify: parts } = broker.api.parts;
  const { spendLimits } = parts;
  onTestFinished(() => {
    Object.assign(parts, { spendLimits });
    slow.disconnect();
  });
  parts.spendLimits = async (...asked) => {
    const verdict = await spendLimits(...asked);
    void blockBeforeTimers(200);
    await slow.ping();
    return verdict;
  };
  for (let left = 18; left > 13; left--) {
    const { status, headers } = await knockOnce(broker, { 'x-api-key': client.key });
    expect([status, headers.get('ratelimit')]).toEqual([200, expect.stringContaining(`"rate";r=${left};`)]);
  }
});
