import { randomBytes } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type StartedApi } from '../support/deployment.ts';
import { eventually } from '../support/eventually.ts';
import { insist } from '../support/insist.ts';
import { keysPath, mint } from '../support/keys.ts';
import { ownRedis } from '../support/own-stores.ts';
import { logLines } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { freshRedis } from '../support/redis.ts';

let deployment: Deployment;
let file: string;
let p1: string;
const [p2, p3] = ['p2', 'p3'].map((id) => `${id}:${randomBytes(32).toString('base64url')}`) as [
  string,
  string,
];
beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const redis = await freshRedis(inject('redisUrl'));
  deployment = deploy({ databaseUrl: database.url, redisUrl: redis.url });
  p1 = deployment.env.FLOWPLATE_PEPPERS ?? '';
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  file = join(directory, 'peppers');
});
afterAll(endAll);

async function write(...peppers: string[]): Promise<void> {
  await writeFile(`${file}.new`, `${peppers.join(',')}\n`);
  await rename(`${file}.new`, file);
}

const start = (env: Record<string, string> = {}) =>
  deployment.startApi({ env: { FLOWPLATE_PEPPERS: '', FLOWPLATE_PEPPERS_FILE: file, ...env } });

const readings = (api: StartedApi, word: string) =>
  logLines(api).filter(({ msg = '' }) => msg.startsWith('the keyring was') && msg.includes(word));

/** Resolves once every process behind it has said so. */
async function hangUp(api: StartedApi, word: 'was read again' | 'was not read again', processes = 1) {
  const before = readings(api, word).length;
  api.kill('SIGHUP');
  const lines = await eventually(
    10_000,
    () => readings(api, word),
    ({ length }) => length === before + processes,
  );
  return lines.at(-1);
}

/** The verdict. An answer without one says when to come back. */
async function verify(api: StartedApi, key: string): Promise<string> {
  return (await insist(() => api.call(`POST ${keysPath}/verify`, { body: { key } }))).body.code;
}

async function pepperOf(keyId: string): Promise<unknown> {
  const rows = await query(
    deployment.env.DATABASE_URL ?? '',
    `SELECT pepper_id FROM api_keys WHERE id = '${keyId}'`,
  );
  return rows[0]?.pepper_id;
}

test('a pepper is rotated in three steps, without a restart and without a refused key', async () => {
  await write(p1);
  const [one, two] = [await start(), await start({ API_PROCESSES: '2' })];
  // A process that starts after the file was changed reads the new one, and has nothing to say.
  await eventually(
    10_000,
    () => logLines(two).filter(({ msg }) => msg === 'listening').length,
    (running) => running === 2,
  );
  const early = await mint(one);
  const codes: string[] = [];
  let isOn = true;
  const loading = (async () => {
    while (isOn) {
      const { key } = await mint(one);
      for (const api of [two, one, two]) codes.push(await verify(api, key), await verify(api, early.key));
    }
  })();
  await write(p1, p2);
  await hangUp(one, 'was read again');
  await hangUp(two, 'was read again', 2);
  await write(p2, p1);
  expect(await hangUp(one, 'was read again')).toMatchObject({ peppers: ['p2', 'p1'] });
  // The other processes still digest under the old one.
  const between = await mint(one);
  expect(await pepperOf(between.key_id)).toBe('p2');
  expect(await verify(two, between.key)).toBe('VALID');
  await hangUp(two, 'was read again', 2);
  isOn = false;
  await loading;
  expect(codes.length).toBeGreaterThan(5);
  expect(new Set(codes)).toEqual(new Set(['VALID']));

  // A key moves when it is read from Postgres.
  const { key_id: keyId, key } = early;
  const fresh = await start();
  await eventually(
    10_000,
    async () => [await verify(fresh, key), await pepperOf(keyId)],
    ([, id]) => id === 'p2',
  );
  await write(p2);
  for (const [api, processes] of [
    [one, 1],
    [two, 2],
  ] as const)
    await hangUp(api, 'was read again', processes);
  for (const api of [one, two]) expect(await verify(api, key)).toBe('VALID');
});

test('a file that cannot be used changes nothing, and the log says why without a secret', async () => {
  await write(p1, p2);
  const api = await start();
  const { key } = await mint(api);
  const other = `p2:${randomBytes(32).toString('base64url')}`;
  const cases: [string, string[]][] = [
    ['The first pepper, p3, is new', [p3, p1, p2]],
    ['The pepper p1, which is in use, is missing', [p2]],
    ['A pepper has another secret than before', [p1, other]],
    ['FLOWPLATE_PEPPERS must be', ['nonsense-that-no-log-repeats']],
    ['FLOWPLATE_PEPPERS_FILE names an empty file', ['']],
  ];
  for (const [message, peppers] of cases) {
    await write(...peppers);
    expect(JSON.stringify(await hangUp(api, 'was not read again'))).toContain(message);
    expect(await verify(api, key)).toBe('VALID');
    expect((await mint(api)).key).toBeDefined();
  }
  await rm(file);
  expect(JSON.stringify(await hangUp(api, 'was not read again'))).toContain('cannot be read (ENOENT)');
  for (const secret of ['nonsense-that-no-log-repeats', ...[p1, p2, p3, other].map((text) => text.slice(3))])
    expect(api.stdout()).not.toContain(secret);
});

test('another password at Redis is used by the next connections of a process that was told, and by no other', async () => {
  const server = (await ownRedis()).current().url;
  const admin = new Redis(server);
  atEnd(() => admin.disconnect());
  await admin.acl('SETUSER', 'api', 'on', '>one', '~*', '&*', '+@all');
  const [told, untold] = [`${file}.told`, `${file}.untold`];
  const urlOf = (password: string) => {
    const url = new URL(server);
    [url.username, url.password] = ['api', password];
    return url.href;
  };
  for (const at of [told, untold]) await writeFile(at, urlOf('one'));
  await write(p1);
  const startAt = (at: string) => start({ REDIS_URL: '', REDIS_URL_FILE: at });
  const [one, other] = [await startAt(told), await startAt(untold)];
  const said = (word: string) =>
    logLines(one).filter(({ msg = '' }) => msg.startsWith('the login at Redis was') && msg.includes(word));
  const hangUpOver = async (text: string, word: string) => {
    const before = said(word).length;
    await writeFile(told, text);
    one.kill('SIGHUP');
    await eventually(
      10_000,
      () => said(word),
      ({ length }) => length > before,
    );
  };
  await hangUpOver('redis://api:two@127.0.0.1:1', 'was not read again');
  await admin.acl('SETUSER', 'api', '>two');
  await hangUpOver(urlOf('two'), 'was read again');
  await admin.acl('SETUSER', 'api', '<one');
  await admin.client('KILL', 'USER', 'api');
  const redisOf = async (api: StartedApi) =>
    (await api.call('GET /health/ready', { as: null })).body.checks.redis;
  const states = async () => [await redisOf(one), await redisOf(other)];
  await eventually(20_000, states, ([mine, others]) => mine === 'up' && others === 'down');
  expect(one.stdout() + other.stdout()).not.toContain('api:two');
});
