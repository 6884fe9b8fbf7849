import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { editSource } from '../support/edited-source.ts';
import { keyCalls } from '../support/key-calls.ts';
import { runScript } from '../support/processes.ts';
import { quietPort } from '../support/quiet-port.ts';
import { freshRedis } from '../support/redis.ts';

let deployment: Deployment;
let api: StartedApi;
let ports: { api: number; worker: number };

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
  ports = { api: await quietPort(), worker: await quietPort() };
  [api] = await Promise.all([
    deployment.startApi({ env: { METRICS_PORT: String(ports.api) } }),
    deployment.startWorker({ env: { WORKER_METRICS_PORT: String(ports.worker) } }),
  ]);
});

afterAll(endAll);

test('health says that the process lives and that it is ready, without a credential', async () => {
  const [live, ready] = [
    await api.call('GET /health/live', { as: null }),
    await api.call('GET /health/ready', { as: null }),
  ];
  expect([live.status, live.body]).toEqual([200, { status: 'live' }]);
  expect([ready.status, ready.body]).toEqual([
    200,
    { status: 'ready', draining: false, checks: { postgres: 'up', redis: 'up', lease: 'held' } },
  ]);
  expect((await fetch(`http://127.0.0.1:${ports.worker}/health/live`)).status).toBe(200);
});

test('every metric of the handbook is there, on ports of their own and not on that of the API', async () => {
  await api.call('GET /v1/flowplate/api-keys');
  const { key } = await keyCalls(api.call).mint();
  await keyCalls(api.call).codeOf(key);
  const read = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const exposed = (await read(ports.api)) + (await read(ports.worker));
  const handbook = await readFile(join(projectRoot, 'docs', 'operations.md'), 'utf8');
  const documented = [
    ...new Set([...handbook.matchAll(/`(flowplate_[a-z_]+)/g)].map(([, name]) => name as string)),
  ];
  expect(documented.length).toBeGreaterThan(4);
  expect(documented.filter((name) => !exposed.includes(`# TYPE ${name} `))).toEqual([]);
  expect((await api.call('GET /metrics', { as: null })).status).toBe(404);
});

const pepper = Buffer.alloc(32, 7).toString('base64url');

const dangerous: Array<{ why: string; names: string; env: Record<string, string> }> = [
  { why: 'no pepper', names: 'FLOWPLATE_PEPPERS', env: { FLOWPLATE_PEPPERS: '' } },
  { why: 'a short pepper', names: 'FLOWPLATE_PEPPERS', env: { FLOWPLATE_PEPPERS: 'p1:c2hvcnQtcGVwcGVy' } },
  {
    why: 'a pepper id twice',
    names: 'FLOWPLATE_PEPPERS',
    env: { FLOWPLATE_PEPPERS: `p1:${pepper},p1:${pepper}` },
  },
  {
    why: 'a short master key',
    names: 'FLOWPLATE_MASTER_KEY',
    env: { FLOWPLATE_MASTER_KEY: 'short-master-key' },
  },
  { why: 'no database', names: 'DATABASE_URL', env: { DATABASE_URL: '' } },
  {
    why: 'an odd database',
    names: 'DATABASE_URL',
    env: { DATABASE_URL: 'mysql://user:hidden-word@host/db' },
  },
  {
    why: 'a proxy list that trusts anything',
    names: 'TRUSTED_PROXIES',
    env: { TRUSTED_PROXIES: 'everybody' },
  },
  { why: 'a lease of no length', names: 'LEASE_MS', env: { LEASE_MS: '0' } },
];

async function expectRefusal(entry: string, { names, env, why }: (typeof dangerous)[number]): Promise<void> {
  const { code, stdout, stderr } = await runScript(entry, { env: { ...deployment.env, ...env } });
  expect([why, code, stdout]).toEqual([why, 1, '']);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(stderr)).toMatchObject({ level: 'fatal', msg: expect.stringContaining(names) });
  for (const value of Object.values(env)) if (value.length > 1) expect(stderr).not.toContain(value);
}

test('the API refuses to start in a dangerous configuration, with one line that names the setting and not its value', async () => {
  for (const one of dangerous) await expectRefusal('src/main.ts', one);
});

test('the worker refuses to start in a dangerous configuration as well', async () => {
  for (const one of dangerous.slice(0, 2)) await expectRefusal('workers/main.ts', one);
});

test('neither starts with a log that does not redact', async () => {
  const edit = { file: 'src/log.ts', from: 'hooks: { streamWrite: redact },', to: '' };
  const source = await editSource([edit]);
  for (const entry of ['src/main.ts', 'workers/main.ts']) {
    const { code, stdout, stderr } = await runScript(entry, { env: deployment.env, source });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('redact');
  }
});
