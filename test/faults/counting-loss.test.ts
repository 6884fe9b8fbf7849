import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { type OwnServer, ownRedis } from '../support/own-stores.ts';
import { callTimes, end, everywhere, heldByRedis, readableMsMax, readSums } from './counted.ts';

/** The API hands its counts over four times a second. */
const flushedMs = 600;

let databaseUrl: string;
let redis: OwnServer<{ url: string; pid: number }>;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  redis = await ownRedis();
  deployment = deploy({ databaseUrl, redisUrl: redis.current().url });
  api = await deployment.startApi();
  keys = keyCalls(api.call);
});

afterAll(endAll);

const heldNow = () => heldByRedis(redis.current().url);

test('an API that is told to stop loses no count, one that is killed at most those of its last quarter second', async () => {
  const [stopped, killed] = [await deployment.startApi(), await deployment.startApi()];
  const [one, other] = [await keys.mint(), await keys.mint()];
  await callTimes(25, () => keyCalls(stopped.call).verify(one.key), 'VALID');
  stopped.kill('SIGTERM');
  expect((await stopped.exited).code).toBe(0);

  await callTimes(20, () => keyCalls(killed.call).verify(other.key), 'VALID');
  await sleep(flushedMs);
  await callTimes(5, () => keyCalls(killed.call).verify(other.key), 'VALID');
  killed.kill('SIGKILL');
  await killed.exited;

  const worker = await deployment.startWorker();
  await eventually(readableMsMax, heldNow, (held) => held === 0);
  expect(await readSums(databaseUrl, one.keyId)).toEqual(everywhere({ accepted: 25, refused: 0 }));
  const { accepted } = await readSums(databaseUrl, other.keyId);
  expect(accepted).toBeGreaterThanOrEqual(20);
  expect(accepted).toBeLessThanOrEqual(25);
  await end(worker);
});

test('a Redis that dies without persistence loses at most what it held, and what is counted meanwhile is counted', async () => {
  const { key, keyId } = await keys.mint();
  await callTimes(30, () => keys.verify(key), 'VALID');
  await sleep(flushedMs);
  const held = await heldNow();
  expect(held).toBe(30);
  await redis.kill();
  await callTimes(20, () => keys.verify(key), 'VALID');
  const accepted = async () => (await readSums(databaseUrl, keyId)).accepted;
  await eventually(readableMsMax, accepted, (count) => count === 20);
  await redis.restart();
  await callTimes(10, () => keys.verify(key), 'VALID');

  const worker = await deployment.startWorker();
  await eventually(readableMsMax, accepted, (count) => count >= 60 - held);
  await eventually(readableMsMax, heldNow, (left) => left === 0);
  expect(await readSums(databaseUrl, keyId)).toEqual(everywhere({ accepted: 60 - held, refused: 0 }));
  await end(worker);
});

test('a Redis that hangs while counts are handed over makes none of them count twice', async () => {
  const { key, keyId } = await keys.mint();
  const accepted = async () => (await readSums(databaseUrl, keyId)).accepted;
  process.kill(redis.current().pid, 'SIGSTOP');
  try {
    // Their flush goes out, no answer comes, and it goes to Postgres; Redis takes it from its
    // socket later all the same. Called before the stop, some may have been taken already.
    await callTimes(5, () => keys.verify(key), 'VALID');
    await eventually(readableMsMax, accepted, (count) => count === 5);
  } finally {
    process.kill(redis.current().pid, 'SIGCONT');
  }
  const worker = await deployment.startWorker();
  await eventually(readableMsMax, heldNow, (held) => held === 0);
  expect(await readSums(databaseUrl, keyId)).toEqual(everywhere({ accepted: 5, refused: 0 }));
  await end(worker);
});

test('counts are readable within ten seconds of the call', async () => {
  const worker = await deployment.startWorker();
  const { key, keyId } = await keys.mint();
  await callTimes(5, () => keys.verify(key), 'VALID');
  const requests = async () => (await keys.show(keyId)).usage.total_requests;
  await eventually(readableMsMax, requests, (count) => count === 5);
  const usage = await api.call(`GET /v1/flowplate/api-keys/${keyId}/usage`);
  expect(usage.body.totals).toMatchObject({ requests: 5, refused: 0, cost: 5 });
  await end(worker);
});
