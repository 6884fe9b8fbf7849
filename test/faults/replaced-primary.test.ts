import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutConfirmation } from '../linearizability/without.ts';
import { endAll } from '../support/at-end.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { eventually } from '../support/eventually.ts';
import { keyCalls } from '../support/key-calls.ts';
import { type OwnPostgres, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';

/** A primary whose synchronous standby follows another server: it reads, and commits nothing. */
let postgres: OwnPostgres;
let deployment: Deployment;

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  deployment = deploy(stores, { LEASE_MS: '3000' });
});

afterAll(endAll);

test('what a primary says that was replaced is no answer once the lease is over, and it recovers', async () => {
  const api = await deployment.startApi();
  const { minted, answers } = await askReplaced(api);
  expect(answers).toEqual(Array.from({ length: 5 }, () => [503, 'DEPENDENCY_UNAVAILABLE']));
  const keys = keyCalls(api.call);
  await eventually(
    20_000,
    () => keys.verify(minted.key),
    ({ body }) => body.code === 'VALID',
  );
  api.kill('SIGTERM');
  await api.exited;
});

test('control arm: without the commit it says yes', async () => {
  const api = await deployment.startApi({ source: await editSource(withoutConfirmation) });
  const { answers } = await askReplaced(api);
  expect(answers).toEqual(Array.from({ length: 5 }, () => [200, 'VALID']));
});

/** Five answers without a lease from a primary that has been replaced. */
async function askReplaced(api: StartedApi) {
  const keys = keyCalls(api.call);
  const minted = await keys.mint();
  expect(await keys.codeOf(minted.key)).toBe('VALID');
  await replace(true);
  try {
    const lease = async () => (await api.call('GET /health/verify', { as: null })).body.checks.lease;
    await eventually(20_000, lease, (state) => state === 'lapsed');
    const answers: unknown[] = [];
    for (let count = 0; count < 5; count++) {
      const { status, body } = await keys.verify(minted.key);
      answers.push([status, status === 200 ? body.code : body.error.code]);
    }
    return { minted, answers };
  } finally {
    await replace(false);
  }
}

async function replace(isReplaced: boolean): Promise<void> {
  const standbys = isReplaced ? "'follows_another'" : "''";
  await query(postgres.adminUrl, `ALTER SYSTEM SET synchronous_standby_names = ${standbys}`);
  await query(postgres.adminUrl, 'SELECT pg_reload_conf()');
}
