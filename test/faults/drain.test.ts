import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls, organization } from '../support/key-calls.ts';
import { query, withConnection } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { startClients } from './draining-clients.ts';

const waitMsMax = 10_000;

let databaseUrl: string;
let deployment: Deployment;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl, redisUrl: redis.url });
});

afterAll(endAll);

const verifierCount = async () =>
  (await query(databaseUrl, 'SELECT count(*)::int AS count FROM verifiers'))[0]?.count as number;

async function expectOrderlyEnd(api: StartedApi): Promise<void> {
  expect(await api.exited).toEqual({ code: 0, signal: null });
  expect(api.stderr()).toBe('');
}

test('on SIGTERM under load every accepted request is answered, every count is kept, the lease is given back and the exit is 0', async () => {
  const [first, second] = await Promise.all([
    deployment.startApi({ env: { DRAIN_MS: '1000' } }),
    deployment.startApi(),
  ]);
  const keys = keyCalls(second.call);
  const { key, keyId } = await keys.mint();
  expect(await verifierCount()).toBe(2);
  const { balanced, stubborn } = startClients(first, second, key);
  await eventually(
    waitMsMax,
    () => balanced.got.verified + stubborn.got.verified,
    (count) => count > 200,
  );
  first.kill('SIGTERM');
  await expectOrderlyEnd(first);
  expect(await verifierCount()).toBe(1);
  const soFar = balanced.got.verified + stubborn.got.verified;
  await eventually(
    waitMsMax,
    () => balanced.got.verified + stubborn.got.verified,
    (count) => count > soFar + 100,
  );

  // A client that follows the readiness notices nothing.
  const calm = await balanced.stop();
  expect([calm.unanswered, calm.movedOn]).toEqual([[], 0]);
  // A client that does not may find the port closed, but no work was done for a lost answer.
  const late = await stubborn.stop();
  const minted = [...calm.minted, ...late.minted];
  for (const one of minted) expect(await keys.codeOf(one)).toBe('VALID');
  const [{ count }] = (await query(
    databaseUrl,
    "SELECT count(*)::int AS count FROM api_keys WHERE user_id LIKE 'client-%'",
  )) as [{ count: number }];
  expect(count).toBe(minted.length);
  await deployment.startWorker();
  const requests = async () => (await keys.show(keyId)).usage.total_requests;
  const verified = calm.verified + late.verified;
  await eventually(waitMsMax, requests, (counted) => counted >= verified);
  expect(await requests()).toBe(verified);
  second.kill('SIGTERM');
  await expectOrderlyEnd(second);
});

test('a request that waits while SIGTERM comes is finished, and what it did is there', async () => {
  const api = await deployment.startApi();
  // The organization exists, so that the mint is one statement, which waits.
  await keyCalls(api.call).mint();
  const answer = await withConnection(databaseUrl, async (locker) => {
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE api_keys IN EXCLUSIVE MODE');
    const body = { user_id: 'patient', organization_id: organization };
    const minting = api.call('POST /v1/flowplate/api-keys', { body });
    await eventually(waitMsMax, waitersForLocks, (count) => count === 1);
    api.kill('SIGTERM');
    await eventually(
      waitMsMax,
      () => api.stdout(),
      (log) => log.includes('draining'),
    );
    await locker.query('COMMIT');
    return minting;
  });
  expect(answer.status).toBe(201);
  await expectOrderlyEnd(api);
  const next = await deployment.startApi();
  expect(await keyCalls(next.call).codeOf(answer.body.key)).toBe('VALID');
  next.kill('SIGTERM');
  await expectOrderlyEnd(next);
});

async function waitersForLocks(): Promise<number> {
  const text = `SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()`;
  return (await query(databaseUrl, text))[0]?.count as number;
}

test('several API processes behind one port end together and give all their leases back', async () => {
  const api = await deployment.startApi({ env: { API_PROCESSES: '2' } });
  await eventually(waitMsMax, verifierCount, (count) => count === 2);
  const { key } = await keyCalls(api.call).mint();
  expect(await keyCalls(api.call).codeOf(key)).toBe('VALID');
  api.kill('SIGTERM');
  await expectOrderlyEnd(api);
  expect(await verifierCount()).toBe(0);
});
