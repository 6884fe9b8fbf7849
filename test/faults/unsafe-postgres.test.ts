import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startPostgres } from '../../scripts/services/postgres.ts';
import { runCommand } from '../../scripts/services/run-command.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { type OwnPostgres, ordinaryRole, ownPostgres, ownRedis } from '../support/own-stores.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';

let postgres: OwnPostgres;
let deployment: Deployment;

beforeAll(async () => {
  const [own, redis] = await Promise.all([ownPostgres(), ownRedis()]);
  postgres = own;
  const stores = { databaseUrl: postgres.databaseUrl, redisUrl: redis.current().url };
  deployment = deploy(stores, { LEASE_MS: '3000', UNSAFE_POSTGRES: 'refuse' });
});

afterEach(async () => {
  await query(postgres.adminUrl, 'ALTER SYSTEM RESET ALL');
  await query(postgres.adminUrl, `ALTER ROLE ${ordinaryRole} RESET ALL`);
  await query(postgres.adminUrl, 'SELECT pg_reload_conf()');
});

afterAll(endAll);

test.each([
  ['POSTGRES_FSYNC_OFF', 'ALTER SYSTEM SET fsync = off'],
  ['POSTGRES_FULL_PAGE_WRITES_OFF', 'ALTER SYSTEM SET full_page_writes = off'],
  ['POSTGRES_SYNCHRONOUS_COMMIT_OFF', `ALTER ROLE ${ordinaryRole} SET synchronous_commit = off`],
  ['POSTGRES_READ_ONLY', `ALTER ROLE ${ordinaryRole} SET default_transaction_read_only = on`],
])('%s: the API does not start, and says why', async (code, statement) => {
  await set(statement);
  await expect(deployment.startApi()).rejects.toThrow(code);
});

test('the API does not start on a standby, which may be behind', async () => {
  const api = await deployment.startApi();
  api.kill('SIGTERM');
  await api.exited;
  await postgres.kill();
  const dataDir = `${postgres.directory}-standby`;
  // With the owner of its files, which the server insists on.
  await runCommand(['cp', '-a', postgres.directory, dataDir]);
  await runCommand(['cp', '-a', `${postgres.directory}.password`, `${dataDir}.password`]);
  await postgres.restart();
  await writeFile(join(dataDir, 'standby.signal'), '');
  const standby = await startPostgres({ dataDir, port: await quietPort() });
  atEnd(() => standby.stop());
  const address = new URL(postgres.databaseUrl);
  address.port = String(standby.port);
  await expect(deployment.startApi({ env: { DATABASE_URL: address.href } })).rejects.toThrow(
    'POSTGRES_READ_ONLY',
  );
});

test('UNSAFE_POSTGRES=allow starts it all the same', async () => {
  await set('ALTER SYSTEM SET fsync = off');
  const api = await deployment.startApi({ env: { UNSAFE_POSTGRES: 'allow' } });
  expect(await ready(api)).toEqual([200, 'up', undefined]);
  api.kill('SIGTERM');
  await api.exited;
});

test('a server that becomes unsafe while the API runs is not ready, until it is safe again', async () => {
  const api = await deployment.startApi();
  expect(await ready(api)).toEqual([200, 'up', undefined]);
  await set('ALTER SYSTEM SET fsync = off');
  await becomes(api, [503, 'unsafe', ['POSTGRES_FSYNC_OFF']]);
  await set('ALTER SYSTEM RESET fsync');
  await becomes(api, [200, 'up', undefined]);
  api.kill('SIGTERM');
  await api.exited;
});

test('a server without its synchronous standby finishes no commit, and is not ready', async () => {
  const api = await deployment.startApi();
  expect(await ready(api)).toEqual([200, 'up', undefined]);
  await set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  await becomes(api, [503, 'no_commits', undefined]);
  // Without its lease, which has lapsed, it cannot verify either.
  const { status, body } = await api.call('GET /health/verify', { as: null });
  expect([status, body.checks]).toEqual([503, { lease: 'lapsed', postgres: 'no_commits' }]);
  await set('ALTER SYSTEM RESET synchronous_standby_names');
  await becomes(api, [200, 'up', undefined]);
  api.kill('SIGTERM');
  await api.exited;
});

async function set(statement: string): Promise<void> {
  await query(postgres.adminUrl, statement);
  await query(postgres.adminUrl, 'SELECT pg_reload_conf()');
}

async function ready(api: StartedApi): Promise<unknown[]> {
  const { status, body } = await api.call('GET /health/ready', { as: null });
  return [status, body.checks.postgres, body.problems];
}

async function becomes(api: StartedApi, wanted: unknown[]): Promise<void> {
  const isWanted = (answer: unknown[]) => JSON.stringify(answer) === JSON.stringify(wanted);
  await eventually(20_000, () => ready(api), isWanted);
}
