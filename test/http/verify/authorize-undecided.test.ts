import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { endAll } from '../../support/at-end.ts';
import type { TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { eventually } from '../../support/eventually.ts';
import { type Minted, mint } from '../../support/keys.ts';
import { startOwnBroker } from '../../support/own-broker.ts';
import { freezePostgres, type OwnPostgres, type OwnServer } from '../../support/own-stores.ts';
import { headersOf, knockOnce } from './door.ts';

const leaseMs = 3_000;

let postgres: OwnPostgres;
let redis: OwnServer<{ url: string }>;
let broker: TestBroker;
let client: Minted;

beforeAll(async () => {
  ({ postgres, redis, broker } = await startOwnBroker({ LEASE_MS: String(leaseMs) }));
  client = await mint(broker);
});

afterAll(async () => {
  await broker.close();
  await endAll();
});

const ask = (below = '') => knockOnce(broker, { 'x-api-key': client.key }, { below });

function statusBecomes(status: number): Promise<Answer> {
  return eventually(
    15_000,
    () => ask(),
    (answer) => answer.status === status,
  );
}

function expectUndecided(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(answer.body).toStrictEqual({
    type: 'about:blank',
    title: 'Authorization unavailable',
    status: 503,
    trace_id: answer.headers.get('x-request-id'),
  });
  expect(headersOf(answer)).toStrictEqual({
    'cache-control': 'no-store',
    'content-length': String(JSON.stringify(answer.body).length),
    'content-type': 'application/problem+json',
    'retry-after': '1',
    'x-flowplate-code': 'unavailable',
    'x-request-id': expect.stringMatching(/^req_/),
  });
}

test('without Redis and Postgres it answers from memory for the rest of its lease, then with 503, and then again', async () => {
  await statusBecomes(200);
  await Promise.all([redis.kill(), postgres.kill()]);
  expect((await ask()).status).toBe(200);
  expectUndecided(await statusBecomes(503));
  expectUndecided(await ask());
  expectUndecided(await ask('?deny=403'));
  // Nor is anybody told that a key is missing, by a broker that cannot tell whether a gateway asks.
  expectUndecided(await knockOnce(broker, {}));
  await Promise.all([redis.restart(), postgres.restart()]);
  expect((await statusBecomes(200)).headers.get('x-flowplate-key-id')).toBe(client.key_id);
});

test('a Postgres that hangs is not waited for: 503 comes before a gateway gives up', async () => {
  // After the restart above: with a lease, and so from memory.
  await eventually(
    15_000,
    () => broker.api.parts.isLeaseHeld(),
    (isHeld) => isHeld,
  );
  await statusBecomes(200);
  const thaw = await freezePostgres(postgres);
  expectUndecided(await statusBecomes(503));
  const tookMs: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const askedMs = performance.now();
    expectUndecided(await ask());
    tookMs.push(performance.now() - askedMs);
  }
  // 150 ms by design; Envoy gives up after 200 ms by default, and our own connections to Postgres
  // only after 500.
  expect(Math.min(...tookMs)).toBeLessThan(200);
  thaw();
  await statusBecomes(200);
});

test('a Postgres that dies in the middle of a statement takes no broker with it', async () => {
  await statusBecomes(200);
  const uncaught: Error[] = [];
  const remember = (error: Error) => void uncaught.push(error);
  process.on('uncaughtExceptionMonitor', remember);
  onTestFinished(() => void process.removeListener('uncaughtExceptionMonitor', remember));
  const slow = sql`SELECT pg_sleep(5)`.execute(broker.db);
  await Promise.all([
    expect(slow).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' }),
    sleep(100).then(() => postgres.kill()),
  ]);
  await postgres.restart();
  await statusBecomes(200);
  expect(uncaught).toEqual([]);
});
