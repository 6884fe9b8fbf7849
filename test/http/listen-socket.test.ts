import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { exchange, type Sent } from '../local-verifier/exchange.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startReplica } from '../support/broker.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint } from '../support/keys.ts';
import { loggedLine, startScript } from '../support/processes.ts';
import { query, withConnection } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';
import { doorPath } from './verify/door.ts';

let deployment: Deployment;
let directory: string;
beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
  directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
});
afterAll(endAll);

let paths = 0;
function newPath(): string {
  paths += 1;
  return join(directory, `api-${paths}.sock`);
}

const startOn = (path: string, env: Record<string, string> = {}) =>
  deployment.startApi({ env: { LISTEN_SOCKET: path, ...env } });

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

const asGateway = (key: string, masterKey = deployment.masterKey): Sent => ({
  path: doorPath,
  headers: [
    ['x-flowplate-master-key', masterKey],
    ['x-api-key', key],
  ],
});

/** A busy machine may miss the deadline of forward auth. */
async function statusOver(at: string | { url: string }, sent: Sent): Promise<number> {
  const target = typeof at === 'string' ? { socketPath: at } : at;
  const { status } = await eventually(
    10_000,
    () => exchange(target, sent),
    (answer) => answer.status !== 503,
  );
  return status;
}

async function endInOrder(api: StartedApi): Promise<void> {
  api.kill('SIGTERM');
  expect(await api.exited).toEqual({ code: 0, signal: null });
}

test('the API is there with mode 0660; at SIGTERM a running request is finished, and the file goes', async () => {
  const path = newPath();
  const api = await startOn(path);
  expect(await modeOf(path)).toBe('660');
  const { key } = await mint(api, { user_id: 'first', organization_id: 'org_waits' });
  expect(await statusOver(path, asGateway(key))).toBe(200);
  expect(await statusOver(path, { path: '/health/ready' })).toBe(200);
  expect(await statusOver(path, { path: keysPath })).toBe(401);
  const kept = connect(path);
  atEnd(() => kept.destroy());
  const { DATABASE_URL = '' } = deployment.env;
  const answer = await withConnection(DATABASE_URL, async (locker) => {
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE api_keys IN EXCLUSIVE MODE');
    const minting = exchange(
      { socketPath: path },
      {
        method: 'POST',
        path: keysPath,
        headers: [
          ['x-flowplate-master-key', deployment.masterKey],
          ['Content-Type', 'application/json'],
        ],
        body: JSON.stringify({ user_id: 'patient', organization_id: 'org_waits' }),
      },
    );
    const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await eventually(
      10_000,
      async () => (await query(DATABASE_URL, waiting))[0]?.count,
      (count) => count === 1,
    );
    api.kill('SIGTERM');
    await loggedLine(api, 'draining');
    await locker.query('COMMIT');
    return minting;
  });
  expect(answer.status).toBe(201);
  expect(await api.exited).toEqual({ code: 0, signal: null });
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('several processes share one: the file of a killed process is replaced, and that of living ones is not', async () => {
  const path = newPath();
  const killed = await startOn(path);
  killed.kill('SIGKILL');
  await killed.exited;
  expect((await stat(path)).isSocket()).toBe(true);
  const living = await startOn(path, { API_PROCESSES: '2' });
  await eventually(
    10_000,
    () => modeOf(path),
    (mode) => mode === '660',
  );
  const { key } = await mint(living);
  for (let round = 0; round < 6; round += 1) expect(await statusOver(path, asGateway(key))).toBe(200);
  for (const API_PROCESSES of ['1', '2']) {
    const env = { ...deployment.env, LISTEN_SOCKET: path, API_PROCESSES };
    const second = await startScript('src/main.ts', { env });
    expect((await second.exited).code).toBe(1);
    expect(second.stdout()).toContain(`${path} is in use by another process`);
  }
  expect(await statusOver(path, asGateway(key))).toBe(200);
  await endInOrder(living);
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a file that is no socket is left alone, and the process does not start', async () => {
  const path = newPath();
  await writeFile(path, 'mine');
  const env = { ...deployment.env, LISTEN_SOCKET: path };
  const running = await startScript('src/main.ts', { env });
  expect((await running.exited).code).toBe(1);
  expect(running.stdout()).toContain(`${path} exists and is no socket`);
  expect((await stat(path)).size).toBe(4);
});

test('a caller over the socket has no address: not the machine, not what X-Forwarded-For says', async () => {
  const path = newPath();
  const { LISTEN_SOCKET: _, ...env } = deployment.env;
  const api = await startOn(path, { TRUSTED_PROXIES: '0.0.0.0/0,::/0' });
  const admin = await startReplica({ ...env, DRAIN_MS: '0' });
  atEnd(() => admin.close());
  const { secret } = await admin.createMasterKey({ ipAllowlist: ['127.0.0.1/32', '::1/128', '0.0.0.0/0'] });
  const bound = await mint(api, { ip_allowlist: ['203.0.113.0/24'] });
  const { key } = await mint(api);
  const asked = asGateway(key, secret);
  const from = ({ headers = [], ...rest }: Sent, address: string): Sent => ({
    ...rest,
    headers: [...headers, ['x-forwarded-for', address]],
  });
  expect(await statusOver({ url: api.url }, asked)).toBe(200);
  expect(await statusOver(path, asked)).toBe(401);
  for (const forwarded of ['127.0.0.1', '::1', '10.0.0.1, 127.0.0.1', '']) {
    expect(await statusOver(path, from(asked, forwarded)), forwarded).toBe(401);
  }
  expect(await statusOver(path, asGateway(key))).toBe(200);
  // The end client's address is another thing: the gateway tells it, as over TCP.
  expect(await statusOver(path, from(asGateway(bound.key), '198.51.100.1, 203.0.113.9'))).toBe(200);
  expect(await statusOver(path, from(asGateway(bound.key), '203.0.113.9, 198.51.100.1'))).toBe(403);
  expect(await statusOver(path, asGateway(bound.key))).toBe(403);
  await endInOrder(api);
});
