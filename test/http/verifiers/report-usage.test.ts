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

function mark(lineageId: string, changed: object = {}) {
  const minute_ms = thisMinuteMs();
  const times = { minute_ms, first_at_ms: minute_ms, last_at_ms: minute_ms + 1 };
  return { lineage_id: lineageId, code: 'VALID', calls: 3, cost: 7, ...times, ...changed };
}

async function usageOf(keyId: string) {
  await broker.settleUsage();
  return (await getKey(broker, keyId)).body.usage;
}

testAccess(() => broker, `POST ${verifiersPath}/${neverRegistered}/usage`, 'keys:verify');

describe('422', () => {
  test('without an id or marks, and with a mark that cannot be', async () => {
    const { key_id } = await mint(broker);
    const path = `POST ${verifiersPath}/${neverRegistered}/usage`;
    expectViolations(await broker.call(path, { body: {} }), 'flush_id', 'marks');
    expectViolations(await reportUsage(broker, []), 'marks');
    expectViolations(await reportUsage(broker, [mark('x')]), 'marks.0.lineage_id');
    expectViolations(await reportUsage(broker, [mark(key_id, { code: 'MAYBE' })]), 'marks.0.code');
    expectViolations(await reportUsage(broker, [mark(key_id, { calls: 0 })]), 'marks.0.calls');
    expectViolations(await reportUsage(broker, [mark(key_id, { minute_ms: 1 })]), 'marks.0.minute_ms');
    expect((await usageOf(key_id)).total_requests).toBe(0);
  });
});

describe('204', () => {
  test('what was decided in a gateway is counted like what was decided here', async () => {
    const { key_id } = await mint(broker);
    const refused = mark(key_id, { code: 'INSUFFICIENT_SCOPE', calls: 2, cost: 0 });
    expect((await reportUsage(broker, [mark(key_id), refused])).status).toBe(204);
    expect(await usageOf(key_id)).toMatchObject({
      total_requests: 3,
      refused_requests: 2,
      requests_today: 3,
    });
  });

  test('repeated under its id it counts once: at once, and after it was rolled up', async () => {
    const { key_id } = await mint(broker);
    const id = randomUUID();
    await reportUsage(broker, [mark(key_id)], { id });
    await reportUsage(broker, [mark(key_id)], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await reportUsage(broker, [mark(key_id)], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
  });

  test('without Redis it goes to Postgres, and counts once there too', async () => {
    const { key_id } = await mint(broker);
    const apart = await broker.replica({ REDIS_URL: 'redis://127.0.0.1:1/0' });
    const id = randomUUID();
    expect((await reportUsage(apart, [mark(key_id)], { id })).status).toBe(204);
    await reportUsage(broker, [mark(key_id)], { id });
    expect((await usageOf(key_id)).total_requests).toBe(3);
    await apart.close();
  });

  test('counts for keys beyond the allow-lists are left out', async () => {
    const [mine, other] = [await mint(broker), await mint(broker)];
    for (const request of [{ organizationIds: [mine.organization_id] }, { environments: ['test'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      expect((await reportUsage(broker, [mark(mine.key_id), mark(other.key_id)], { as })).status).toBe(204);
    }
    expect((await usageOf(mine.key_id)).total_requests).toBe(6);
    expect((await usageOf(other.key_id)).total_requests).toBe(3);
  });

  test('counts of another age, and of no minute at all, open no partition and are left out', async () => {
    const { key_id } = await mint(broker);
    const partitions = () =>
      broker.db
        .selectFrom('usage_days')
        .select((expression) => expression.fn.countAll<number>().as('count'))
        .where('lineage_id', '=', key_id)
        .executeTakeFirst();
    const dayMs = 86_400_000;
    const at = (ms: number) => ({ minute_ms: ms, first_at_ms: ms, last_at_ms: ms });
    const late = mark(key_id, at(thisMinuteMs() - 8 * dayMs));
    const early = mark(key_id, at(thisMinuteMs() + dayMs));
    const outside = mark(key_id, { last_at_ms: thisMinuteMs() + 60_000 });
    expect((await reportUsage(broker, [late, early, outside])).status).toBe(204);
    expect((await usageOf(key_id)).total_requests).toBe(0);
    expect((await partitions())?.count).toBe(0);
  });
});
