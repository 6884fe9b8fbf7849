import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { keysPath, type Minted, mint, refreshed, verify } from '../../support/keys.ts';
import { dayMs, hourMs, walkClock } from '../../support/walk-clock.ts';

const neverExisted = 'flk_0000000000000000000000';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const getUsage = (keyId: string, query: object = {}, options = {}) => {
  const text = new URLSearchParams(Object.entries(query));
  return broker.call(`GET ${keysPath}/${keyId}/usage?${text}`, options);
};

const isoAt = (ms: number) => new Date(ms).toISOString();
const startOf = (stepMs: number, ms: number) => isoAt(Math.floor(ms / stepMs) * stepMs);

/** Three accepted calls of cost 1, 2 and 0, and two refused ones. */
async function callFiveTimes({ key }: Minted): Promise<void> {
  await verify(broker, key);
  await verify(broker, key, { cost: 2 });
  await verify(broker, key, { cost: 0 });
  await verify(broker, key, { scopes: ['absent'] });
  await verify(broker, key, { environment: 'prod', cost: 7 });
}

const fiveCalls = {
  requests: 3,
  refused: 2,
  cost: 3,
  refusals: { INSUFFICIENT_SCOPE: 1, ENVIRONMENT_MISMATCH: 1 },
};

testAccess(() => broker, `GET ${keysPath}/${neverExisted}/usage`, 'usage:read');

describe('404', () => {
  test('the usage of a key outside the allow-lists looks exactly like that of none', async () => {
    const { key_id } = await mint(broker);
    expectError(await getUsage(neverExisted), 404, 'KEY_NOT_FOUND');
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await getUsage(neverExisted, {}, { as });
      expect(bytesOf(await getUsage(key_id, {}, { as }))).toBe(bytesOf(missing));
    }
  });
});

describe('422', () => {
  const at = '2026-03-01T00:00:00Z';
  test.each<[string, object]>([
    ['from', { from: '2026-03-01T00:00' }],
    ['from', { from: '' }],
    ['to', { to: 'now' }],
    ['to', { to: '2026-02-29T00:00:00Z' }],
    ['granularity', { granularity: 'minute' }],
    ['', { period: 'day' }],
    ['from', { from: at, to: at }],
    ['from', { from: '2026-03-01T02:00:00Z', to: '2026-03-01T01:00:00Z' }],
    ['from', { from: '2999-01-01T00:00:00Z' }],
    ['from', { from: at, to: '2026-04-01T00:00:00.001Z' }],
    ['from', { from: at, to: '2028-03-01T00:00:00.001Z', granularity: 'day' }],
  ])('%s is refused in %j', async (path, query) => {
    const { key_id } = await mint(broker);
    expectViolations(await getUsage(key_id, query), path);
  });

  test('a parameter sent twice is refused', async () => {
    const answer = await broker.call(
      `GET ${keysPath}/${neverExisted}/usage?granularity=day&granularity=hour`,
    );
    expectViolations(answer, 'granularity');
  });

  // Postgres has no year 0, and RFC 3339 has four digits for a year.
  test.each([
    ['0000-01-01T00:00:00Z', '0000-01-03T00:00:00Z'],
    ['0000-01-01T00:00:00+14:00', '0000-01-02T00:00:00Z'],
    ['9999-12-31T00:00:00Z', '9999-12-31T23:59:59-12:00'],
  ])(
    'the range from %s to %s at the edge of the calendar is refused or answered, by hour and by day',
    async (from, to) => {
      const { key_id } = await mint(broker);
      for (const granularity of ['hour', 'day']) {
        expect([200, 422]).toContain((await getUsage(key_id, { from, to, granularity })).status);
      }
    },
  );
});

describe('success', () => {
  test('a key that was never used has an empty series and zeros, over the last 24 hours or 30 days', async () => {
    const { key_id } = await mint(broker);
    const nothing = { requests: 0, refused: 0, cost: 0, refusals: {} };
    for (const [granularity, stepMs, steps] of [
      ['hour', hourMs, 24],
      ['day', dayMs, 30],
    ] as const) {
      const { status, body } = await getUsage(key_id, { granularity });
      expect(status).toBe(200);
      expect(body).toMatchObject({ key_id, granularity, data: [], totals: nothing });
      expect(Date.parse(body.to) - Date.parse(body.from)).toBe(steps * stepMs);
      expect(Math.abs(Date.parse(body.to) - Date.now())).toBeLessThanOrEqual(stepMs + 60_000);
    }
    expect((await getUsage(key_id)).body.granularity).toBe('hour');
  });

  test('calls stand in the hour and in the UTC day in which they were made', async () => {
    const minted = await mint(broker);
    const firstMs = Date.now();
    await callFiveTimes(minted);
    walkClock(broker, hourMs);
    await callFiveTimes(minted);
    walkClock(broker, 2 * dayMs);
    await verify(broker, minted.key);
    await broker.settleUsage();
    const one = { requests: 1, refused: 0, cost: 1, refusals: {} };
    const twice = {
      requests: 6,
      refused: 4,
      cost: 6,
      refusals: { INSUFFICIENT_SCOPE: 2, ENVIRONMENT_MISMATCH: 2 },
    };
    const lastMs = firstMs + hourMs + 2 * dayMs;
    const range = { from: isoAt(firstMs), to: isoAt(lastMs + 60_000) };

    const hours = await getUsage(minted.key_id, range);
    expect(hours.body).toMatchObject({
      data: [
        { start: startOf(hourMs, firstMs), ...fiveCalls },
        { start: startOf(hourMs, firstMs + hourMs), ...fiveCalls },
        { start: startOf(hourMs, lastMs), ...one },
      ],
      totals: { ...twice, requests: 7, cost: 7 },
    });

    const days = await getUsage(minted.key_id, { ...range, granularity: 'day' });
    const isSameDay = startOf(dayMs, firstMs) === startOf(dayMs, firstMs + hourMs);
    expect(days.body.data).toEqual([
      ...(isSameDay
        ? [{ start: startOf(dayMs, firstMs), ...twice }]
        : [firstMs, firstMs + hourMs].map((ms) => ({ start: startOf(dayMs, ms), ...fiveCalls }))),
      { start: startOf(dayMs, lastMs), ...one },
    ]);
    expect(days.body.totals).toEqual(hours.body.totals);
  });

  test('a range leaves out what lies outside of it, and is widened to whole steps', async () => {
    const minted = await mint(broker);
    await callFiveTimes(minted);
    await broker.settleUsage();
    const hour = Math.floor(Date.now() / hourMs) * hourMs;
    const until = (toMs: number) => getUsage(minted.key_id, { from: isoAt(hour - hourMs), to: isoAt(toMs) });
    expect((await until(hour - 1)).body.totals.requests).toBe(0);
    const widened = (await until(hour + 1)).body;
    expect(widened.to).toBe(isoAt(hour + hourMs));
    expect(widened.totals).toEqual(fiveCalls);
  });

  test('the longest range is 744 hours or 731 days', async () => {
    const { key_id } = await mint(broker);
    const spans = { hour: 744 * hourMs, day: 731 * dayMs };
    for (const [granularity, spanMs] of Object.entries(spans)) {
      const to = Date.UTC(2026, 2, 1);
      const query = { granularity, from: isoAt(to - spanMs), to: isoAt(to) };
      expect((await getUsage(key_id, query)).status).toBe(200);
    }
  });

  test('a line of refreshes is counted as one, a call inside a grace as a request', async () => {
    const old = await mint(broker);
    await verify(broker, old.key);
    const active = await refreshed(broker, old, { grace_period_seconds: 600 });
    await verify(broker, old.key);
    await verify(broker, active.key);
    await broker.settleUsage();
    for (const { key_id } of [old, active]) {
      expect((await getUsage(key_id)).body.totals).toEqual({
        requests: 3,
        refused: 0,
        cost: 3,
        refusals: {},
      });
    }
  });
});
