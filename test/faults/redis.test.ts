import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { findHalfDone } from '../support/half-done.ts';
import { type KeyCalls, keyCalls, type Minted } from '../support/key-calls.ts';
import { ownRedis } from '../support/own-stores.ts';
import { asAdmin, type OwnRedis, type RedisFault, redisFaults } from './redis-faults.ts';
import { startVerifyingLoad } from './verifying-load.ts';

/** "Within a second", with room for a machine that has other things to do. */
const answerMsMax = 1_500;
const recoveryMsMax = 10_000;

let redis: OwnRedis;
let deployment: Deployment;
let api: StartedApi;
let keys: KeyCalls;
let valid: Minted[];
let revoked: Minted;
/** Limits far above what is called here: only how they were enforced matters. */
let limited: Minted;
let open: Minted;
let strict: Minted;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  redis = await ownRedis();
  // Hardly any memory for records, so that Redis is asked all the time.
  const env = { RECORDS_IN_MEMORY_MAX: '2' };
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.current().url }, env);
  [api] = await Promise.all([deployment.startApi(), deployment.startWorker()]);
  keys = keyCalls(api.call);
  valid = await Promise.all(Array.from({ length: 6 }, () => keys.mint()));
  revoked = await keys.mint();
  await keys.revoke(revoked.userId);
  const limits = { limit: 1_000_000, window_seconds: 3_600 };
  limited = await keys.mint({ rate_limit: limits, quota: { limit: 1_000_000, period: 'day' } });
  strict = await keys.mint({ rate_limit: { ...limits, on_unavailable: 'deny' } });
  open = await keys.mint({ rate_limit: { ...limits, on_unavailable: 'allow' } });
});

afterAll(endAll);

const probedWithinMs = 3_000;

const admin = <Result>(use: (client: Redis) => Promise<Result>) => asAdmin(redis, use);

test.each(Object.keys(redisFaults))(
  'with Redis %s every verdict is right, every change works, limits are enforced here, and it recovers',
  async (name) => {
    const fault = redisFaults[name] as RedisFault;
    const existing = await keys.mint();
    expect(await keys.codeOf(existing.key)).toBe('VALID');
    const load = startVerifyingLoad(api.call, [
      ...valid.map(({ key }) => ({ key, code: 'VALID' })),
      { key: revoked.key, code: 'REVOKED' },
      { key: newSecret('user', 'test', randomBytes), code: 'NOT_FOUND' },
      { key: limited.key, code: 'VALID' },
    ]);

    await fault.begin(redis);
    try {
      const verdict = await eventually(answerMsMax, () => verdictOf(limited), isEnforced('local'));
      expect(verdict).toMatchObject({
        valid: true,
        rate_limit: { remaining: expect.any(Number), reset_at: expect.any(String) },
        quota: { enforced: 'local' },
      });
      expect(await verdictOf(open)).toMatchObject({
        valid: true,
        rate_limit: { enforced: false, remaining: null },
      });
      expect(await keys.codeOf(strict.key)).toBe('RATE_LIMITED');
      for (const { key, code } of await changeEverything(existing)) load.add({ key, code });
      // Each store is probed once a second.
      const ready = await eventually(
        probedWithinMs,
        () => api.call('GET /health/ready'),
        ({ body }) => body.checks.redis === 'down',
      );
      expect(ready.status).toBe(200);
      const soFar = load.callsSoFar();
      await eventually(recoveryMsMax, load.callsSoFar, (calls) => calls > soFar + 100);
    } finally {
      await fault.end(redis);
    }

    await eventually(recoveryMsMax, () => verdictOf(limited), isEnforced(true));
    await eventually(
      recoveryMsMax,
      async () => (await api.call('GET /health/ready')).body.status,
      isText('ready'),
    );
    await eventually(recoveryMsMax, () => keys.codeOf(strict.key), isText('VALID'));
    const { wrong, slowestMs } = await load.stop();
    expect(wrong).toEqual([]);
    expect(slowestMs).toBeLessThan(answerMsMax);
    expect(await findHalfDone(deployment.env.DATABASE_URL as string)).toEqual([]);
  },
);

const verdictOf = async (minted: Minted) => (await keys.verify(minted.key)).body;

type HowEnforced = boolean | 'local';

function isEnforced(enforced: HowEnforced): (verdict: { rate_limit: { enforced: HowEnforced } }) => boolean {
  return (verdict) => verdict.rate_limit.enforced === enforced;
}

function isText(text: string): (answer: unknown) => boolean {
  return (answer) => answer === text;
}

/** Mints, refreshes and revokes, and hands back what each key must be from then on. */
async function changeEverything(existing: Minted) {
  const minted = await keys.mint();
  expect(await keys.codeOf(minted.key)).toBe('VALID');
  const refreshed = await keys.refresh(minted.userId);
  const answer = await keys.revoke(existing.userId);
  expect([refreshed.propagation, answer.propagation]).toEqual(['complete', 'complete']);
  const after = [
    { key: minted.key, code: 'REVOKED' },
    { key: refreshed.new_key.key as string, code: 'VALID' },
    { key: existing.key, code: 'REVOKED' },
  ];
  for (const { key, code } of after) expect(await keys.codeOf(key)).toBe(code);
  return after;
}

test('FLUSHALL again and again under load changes no verdict, loses no key and leaves limits enforced', async () => {
  const load = startVerifyingLoad(api.call, [
    ...valid.map(({ key }) => ({ key, code: 'VALID' })),
    { key: revoked.key, code: 'REVOKED' },
    { key: limited.key, code: 'VALID' },
  ]);
  for (let round = 0; round < 10; round++) {
    await admin((client) => client.flushall());
    for (const { key, code } of await changeEverything(await keys.mint())) load.add({ key, code });
    await eventually(answerMsMax, () => verdictOf(limited), isEnforced(true));
  }
  const { calls, wrong } = await load.stop();
  expect(wrong).toEqual([]);
  expect(calls).toBeGreaterThan(50);
});

test('a quota whose counter Redis lost goes on from what Postgres has counted', async () => {
  const minted = await keys.mint({ quota: { limit: 10, period: 'month' } });
  for (let call = 0; call < 6; call++) expect(await keys.codeOf(minted.key)).toBe('VALID');
  await eventually(
    recoveryMsMax,
    async () => (await keys.show(minted.keyId)).usage.total_requests,
    (count) => count === 6,
  );
  await admin((client) => client.flushall());
  const enforced = (verdict: { quota: { enforced: HowEnforced; remaining: number } }) =>
    verdict.quota.enforced === true;
  const { quota } = await eventually(answerMsMax, () => verdictOf(minted), enforced);
  expect(quota.remaining).toBeLessThanOrEqual(3);
});

test('an API and a worker that start while Redis is away work, the worker as soon as it is back', async () => {
  await redis.kill();
  const [second, worker] = [await deployment.startApi(), deployment.startWorker()];
  const minted = await keyCalls(second.call).mint();
  expect(await keyCalls(second.call).codeOf(minted.key)).toBe('VALID');
  await redis.restart();
  await worker;
  await eventually(
    recoveryMsMax,
    async () => (await keys.show(minted.keyId)).usage.total_requests,
    (count) => count === 1,
  );
});

test('a Redis that still holds the record of before a revoke gets no revoked key accepted, and without revisions it would', async () => {
  const unprotected = await editSource([
    {
      file: 'src/revocation/remembered-revisions.ts',
      from: 'return remembered !== undefined && record.revision < remembered.revision;',
      to: 'return remembered === null;',
    },
  ]);
  await admin((client) => client.flushall());
  const minted = await keys.mint();
  expect(await keys.codeOf(minted.key)).toBe('VALID');
  const records = () => admin((client) => client.keysBuffer('fl;*'));
  const [record] = await eventually(answerMsMax, records, (found) => found.length === 1);
  const held = await admin((client) => client.getBuffer(record as Buffer));
  expect((await keys.revoke(minted.userId)).propagation).toBe('complete');
  // The revoke leaves the new record there; a writer that was paused puts the old one back.
  const now = () => admin((client) => client.getBuffer(record as Buffer));
  await eventually(answerMsMax, now, (found) => found?.equals(held as Buffer) === false);
  await admin((client) => client.set(record as Buffer, held as Buffer));

  const control = await deployment.startApi({ source: unprotected });
  expect(await keyCalls(control.call).codeOf(minted.key)).toBe('VALID');

  const fresh = await deployment.startApi();
  expect(await keyCalls(fresh.call).codeOf(minted.key)).toBe('REVOKED');
  // As a failover to a replica that missed the last writes does.
  await admin((client) => client.set(record as Buffer, held as Buffer));
  expect(await keys.codeOf(minted.key)).toBe('REVOKED');
  expect(await keyCalls(fresh.call).codeOf(minted.key)).toBe('REVOKED');
});
