import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { getKey, mint } from '../../support/keys.ts';
import { neverRegistered, reportUsage, verifiersPath } from './verifier-calls.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const thisMinuteMs = () => Math.floor(Date.now() / 60_000) * 60_000;

type Line = [lineageId: unknown, calls: number, cost: number, firstAfterMs: number, lastAfterMs: number];

const lineOf = (lineageId: unknown, calls = 3, cost = 7): Line => [lineageId, calls, cost, 0, 1];

function sum(lines: Line | Line[], changed: object = {}) {
  const all = lines.length === 0 || Array.isArray(lines[0]) ? lines : [lines];
  return { minute_ms: thisMinuteMs(), code: 'VALID', lines: all, ...changed };
}

async function usageOf(keyId: string) {
  await broker.settleUsage();
  return (await getKey(broker, keyId)).body.usage;
}

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/usage`, 'keys:verify:embedded');

describe('422', () => {
  test('without an id or sums, and with a line that cannot be', async () => {
    const { key_id } = await mint(broker);
    const path = `POST ${verifiersPath}/${neverRegistered}/usage`;
    expectViolations(await broker.call(path, { body: {} }), 'flush_id', 'sums');
    expectViolations(await reportUsage(broker, []), 'sums');
    expectViolations(await reportUsage(broker, [sum(lineOf('x'))]), 'sums.0.lines.0.0');
    const line = lineOf(key_id);
    expectViolations(await reportUsage(broker, [sum([])]), 'sums.0.lines');
    expectViolations(await reportUsage(broker, [sum(line, { code: 'MAYBE' })]), 'sums.0.code');
    expectViolations(await reportUsage(broker, [sum(line, { minute_ms: 1 })]), 'sums.0.minute_ms');
    expectViolations(await reportUsage(broker, [sum(lineOf(key_id, 0))]), 'sums.0.lines.0.1');
    expectViolations(await reportUsage(broker, [sum([key_id, 1, 1, 0, 60_000])]), 'sums.0.lines.0.4');
    expectViolations(await reportUsage(broker, [sum([key_id, 1, 1, 2, 1])]), 'sums.0.lines.0');
    expect((await usageOf(key_id)).total_requests).toBe(0);
  });
});

describe('204', () => {
  test('what was decided in a gateway is counted like what was decided here', async () => {
    const { key_id } = await mint(broker);
    const refused = sum(lineOf(key_id, 2, 0), { code: 'INSUFFICIENT_SCOPE' });
    expect((await reportUsage(broker, [sum(lineOf(key_id)), refused])).status).toBe(204);
    expect(await usageOf(key_id)).toMatchObject({
      total_requests: 3,
      refused_requests: 2,
      requests_today: 3,
    });
  });

  test('repeated under its id it counts once: at once, and after it was rolled up', async () => {
    const { key_id } = await mint(broker);
    const id = randomUUID();
    await reportUsage(broker, [sum(lineOf(key_id))], { id });
    await reportUsage(broker, [sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await reportUsage(broker, [sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });

  test('without Redis it goes to Postgres, and counts once there too', async () => {
    const { key_id } = await mint(broker);
    const apart = await broker.replica({ REDIS_URL: 'redis://127.0.0.1:1/0' });
    const id = randomUUID();
    expect((await reportUsage(apart, [sum(lineOf(key_id))], { id })).status).toBe(204);
    await reportUsage(broker, [sum(lineOf(key_id))], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await apart.close();
  });

  test('counts for keys beyond the allow-lists are left out', async () => {
    const [mine, other] = [await mint(broker), await mint(broker)];
    for (const request of [{ organizationIds: [mine.organization_id] }, { environments: ['test'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      expect(
        (await reportUsage(broker, [sum([lineOf(mine.key_id), lineOf(other.key_id)])], { as })).status,
      ).toBe(204);
    }
    expect((await usageOf(mine.key_id)).total_requests).toBe(6);
    expect((await usageOf(other.key_id)).total_requests).toBe(3);
  });

  test('counts of another age open no partition and are left out', async () => {
    const { key_id } = await mint(broker);
    const partitions = () =>
      broker.db
        .selectFrom('usage_days')
        .select((expression) => expression.fn.countAll<number>().as('count'))
        .where('lineage_id', '=', key_id)
        .executeTakeFirst();
    const dayMs = 86_400_000;
    const at = (ms: number) => sum(lineOf(key_id), { minute_ms: ms });
    const [late, early] = [at(thisMinuteMs() - 8 * dayMs), at(thisMinuteMs() + dayMs)];
    expect((await reportUsage(broker, [late, early])).status).toBe(204);
    expect((await usageOf(key_id)).total_requests).toBe(0);
    expect((await partitions())?.count).toBe(0);
  });
});
