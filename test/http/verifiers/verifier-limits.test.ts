import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { mint, revoke } from '../../support/keys.ts';
import { beat, register, registerForLater, rowOf, verifiersPath } from './verifier-calls.ts';

const verifiersMax = 4;
const floodSize = 1_500;

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ VERIFIERS_PER_MASTER_KEY_MAX: String(verifiersMax) });
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});
afterEach(() => broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute());

const newKey = async () => (await broker.createMasterKey()).secret;
const live = async () =>
  (
    await broker.db
      .selectFrom('verifiers')
      .select('id')
      .where('master_key_id', 'is not', null)
      .where('lease_until', '>', new Date())
      .execute()
  ).length;

const countOf = (statuses: readonly number[], wanted: number) =>
  statuses.filter((status) => status === wanted).length;

describe('leases of one master key', () => {
  test('are at most as many as the setting says, however many ask at once and at any process', async () => {
    const as = await newKey();
    const registrations = await Promise.all(
      Array.from({ length: 9 }, (_, index) => registerForLater(index % 2 === 0 ? broker : replica, { as })),
    );
    const statuses = await Promise.all(
      registrations.map(async ({ verifier_id, applied_seq }, index) => {
        const at = index % 3 === 0 ? broker : replica;
        return (await beat(at, verifier_id, { applied_seq }, { as })).status;
      }),
    );
    expect(countOf(statuses, 200)).toBe(verifiersMax);
    expect(countOf(statuses, 429)).toBe(9 - verifiersMax);
    expect(await live()).toBe(verifiersMax);
  });

  test('429: says so, and when to come back; one that is given back makes room', async () => {
    const as = await newKey();
    const registered = [];
    for (let count = 0; count < verifiersMax; count++) registered.push(await register(broker, { as }));
    const late = await broker.call(`POST ${verifiersPath}`, { as });
    expect(expectError(late, 429, 'RATE_LIMITED')).toEqual({ limit: verifiersMax });
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(late.body.error.system_message).toContain('VERIFIERS_PER_MASTER_KEY_MAX');
    await broker.call(`DELETE ${verifiersPath}/${registered[0]?.verifier_id}`, { as });
    await register(broker, { as });
    expect(await live()).toBe(verifiersMax);
  });

  test('that have lapsed begin again while there is room, and not beyond it', async () => {
    const as = await newKey();
    const lapsed = await register(broker, { as });
    const past = new Date(Date.now() - 1_000);
    await broker.db
      .updateTable('verifiers')
      .set({ lease_until: past })
      .where('id', '=', lapsed.verifier_id)
      .execute();
    for (let count = 1; count < verifiersMax; count++) await register(broker, { as });
    const again = () => beat(broker, lapsed.verifier_id, { applied_seq: lapsed.applied_seq }, { as });
    expect((await again()).status).toBe(200);
    await broker.db
      .updateTable('verifiers')
      .set({ lease_until: past })
      .where('id', '=', lapsed.verifier_id)
      .execute();
    await register(broker, { as });
    expectError(await again(), 429, 'RATE_LIMITED');
    expect(await live()).toBe(verifiersMax);
  });

  test('do not count for another master key', async () => {
    const as = await newKey();
    for (let count = 0; count < verifiersMax; count++) await register(broker, { as });
    expect((await register(broker, { as: await newKey() })).verifier_id).toBeDefined();
  });

  test('leave few rows behind, however often one registers and gives up', async () => {
    const as = await newKey();
    for (let count = 0; count < 4 * verifiersMax; count++) {
      await registerForLater(count % 2 === 0 ? broker : replica, { as });
    }
    const rows = await broker.db
      .selectFrom('verifiers')
      .select('id')
      .where('master_key_id', 'is not', null)
      .execute();
    expect(rows.length).toBeLessThanOrEqual(2 * verifiersMax + 1);
  });
});

test('429: registrations beyond twice as many a minute, for this master key alone', async () => {
  const as = await newKey();
  const statuses: number[] = [];
  for (let count = 0; count < 2 * verifiersMax + 3; count++) {
    const body = { lease: 'first_heartbeat' };
    const answer = await broker.call(`POST ${verifiersPath}`, { as, body });
    statuses.push(answer.status);
    if (answer.status === 429) {
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
    }
  }
  expect(statuses).toEqual([...Array(2 * verifiersMax).fill(201), 429, 429, 429]);
  expect((await registerForLater(broker, { as: await newKey() })).verifier_id).toBeDefined();
});

describe('fifteen hundred heartbeats of one verifier at once', () => {
  test('hold one place: the older ones end, what is too much is refused, and others go on', async () => {
    const as = await newKey();
    const { verifier_id, applied_seq } = await registerForLater(broker, { as });
    const waitMs = 3_000;
    let answered = 0;
    const one = async () => {
      const { status } = await beat(broker, verifier_id, { applied_seq, wait_ms: waitMs }, { as });
      answered += 1;
      return status;
    };
    const flood: Promise<number>[] = [];
    // In portions, and the next when most are answered: this process has both ends, and a
    // connection that brings no request in time is closed.
    const unanswered = () => flood.length - answered;
    while (flood.length < floodSize) {
      flood.push(...Array.from({ length: 50 }, one));
      await eventually(10_000, unanswered, (count) => count <= 200);
    }
    const waiting = () => broker.api.parts.verifiers.changes.waiting;
    let waitingMax = 0;
    const looking = setInterval(() => {
      waitingMax = Math.max(waitingMax, waiting());
    }, 1);
    await eventually(10_000, waiting, (count) => count > 0);
    const honest = await newKey();
    const own = await registerForLater(broker, { as: honest });
    const { status } = await beat(broker, own.verifier_id, { applied_seq: own.applied_seq }, { as: honest });
    expect(status).toBe(200);
    expect(answered, 'answered while the flood goes on').toBeLessThan(floodSize);
    expect(new Set(await Promise.all(flood))).toEqual(new Set([200, 429]));
    clearInterval(looking);
    expect(waitingMax).toBeGreaterThan(0);
    expect(waitingMax).toBeLessThanOrEqual(2);
    expect(waiting()).toBe(0);
    expect(await rowOf(broker, verifier_id)).toMatchObject({ applied_seq });
  }, 60_000);
});

test('a revoke takes no longer beside verifiers that were refused', async () => {
  const as = await newKey();
  await Promise.all(
    Array.from({ length: 50 }, () => broker.call(`POST ${verifiersPath}`, { as, body: { lease: 'now' } })),
  );
  expect(await live()).toBeLessThanOrEqual(verifiersMax);
  await broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute();
  const { key_id } = await mint(broker);
  expect((await revoke(broker, key_id)).body.propagation).toBe('complete');
});
