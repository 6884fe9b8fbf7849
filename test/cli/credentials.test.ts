import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn } from '../support/platform-users.ts';
import { type Desk, openDesk } from './flowplate.ts';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  root = await bootstrapped(broker);
});
afterAll(endAll);

async function logIn(desk: Desk, env: Record<string, string> = {}) {
  const args = ['platform', 'login', '--email', root.email, '--password-stdin'];
  return desk.run(args, { stdin: `${goodPassword}\n`, env });
}

const fileOf = (desk: Desk) => join(desk.home, '.config/flowplate/credentials.json');

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('the token is in a file that only its owner reads, in a directory that only its owner enters', async () => {
  const desk = await openDesk(broker.url);
  expect((await logIn(desk)).exitCode).toBe(0);
  const directory = join(desk.home, '.config/flowplate');
  expect([await modeOf(directory), await modeOf(fileOf(desk))]).toEqual([0o700, 0o600]);
  expect(await readdir(directory)).toEqual(['credentials.json']);
  expect((await desk.run(['platform', 'whoami'])).stdout).toContain(root.id);
});

test('a file and a directory that others could read are closed by the next login', async () => {
  const desk = await openDesk(broker.url);
  await mkdir(join(desk.home, '.config/flowplate'), { recursive: true });
  await writeFile(fileOf(desk), 'no JSON');
  await chmod(fileOf(desk), 0o644);
  expect((await logIn(desk)).exitCode).toBe(0);
  expect([await modeOf(join(desk.home, '.config/flowplate')), await modeOf(fileOf(desk))]).toEqual([
    0o700, 0o600,
  ]);
});

test('XDG_CONFIG_HOME is honoured, unless it is relative', async () => {
  const desk = await openDesk(broker.url);
  const elsewhere = join(desk.home, 'elsewhere');
  await logIn(desk, { XDG_CONFIG_HOME: elsewhere });
  expect(await modeOf(join(elsewhere, 'flowplate/credentials.json'))).toBe(0o600);
  await expect(stat(fileOf(desk))).rejects.toThrow('ENOENT');
  await logIn(desk, { XDG_CONFIG_HOME: 'relative' });
  expect(await modeOf(fileOf(desk))).toBe(0o600);
});

test('each server has a login of its own', async () => {
  const other = await broker.replica();
  atEnd(() => other.close());
  const desk = await openDesk(broker.url);
  await logIn(desk);
  const there = await desk.run(['--server', other.url, 'platform', 'whoami']);
  expect(there).toMatchObject({ stdout: '', exitCode: 1 });
  expect(there.stderr).toContain(`you are not logged in to ${other.url}`);
  await logIn(desk, { FLOWPLATE_SERVER: `${other.url}/` });
  const { servers } = JSON.parse(await readFile(fileOf(desk), 'utf8'));
  expect(Object.keys(servers).sort()).toEqual([broker.url, other.url].sort());
});

test('logging out ends the token on the server and takes it out of the file', async () => {
  const desk = await openDesk(broker.url);
  await logIn(desk);
  const { token } = JSON.parse(await readFile(fileOf(desk), 'utf8')).servers[broker.url];
  expect((await desk.run(['platform', 'logout'])).stdout).toBe(`Logged out ${root.email}\n`);
  expect(await readFile(fileOf(desk), 'utf8')).not.toContain(token);
  const headers = { authorization: `Bearer ${token}` };
  expect((await broker.call('GET /api/v1/platform/auth/me', { as: null, headers })).status).toBe(401);
  expect((await desk.run(['platform', 'logout'])).exitCode).toBe(0);
});

test('a login that is over is said to be, before anybody is asked', async () => {
  const desk = await openDesk('http://127.0.0.1:9');
  await mkdir(join(desk.home, '.config/flowplate'), { recursive: true });
  const login = { email: 'a@example.com', token: 'x', expires_at: '2026-01-01T00:00:00.000Z' };
  await writeFile(fileOf(desk), JSON.stringify({ servers: { 'http://127.0.0.1:9': login } }));
  const { stderr, exitCode } = await desk.run(['platform', 'whoami']);
  expect([stderr, exitCode]).toEqual([
    'flowplate: your login to http://127.0.0.1:9 is over. Log in again: flowplate platform login\n',
    1,
  ]);
});

test('a tenant key left in the environment does not stand in for the login of an operator', async () => {
  const { secret } = await tenantKey(broker, 'org_left');
  const desk = await openDesk(broker.url, { FLOWPLATE_API_KEY: secret });
  await logIn(desk);
  expect((await desk.run(['platform', 'whoami'])).stdout).toContain(root.id);
  expect((await desk.run(['apikey', 'create', 'mine', '--platform'])).stdout).toContain('flplatform_');
  expect((await desk.run(['apikey', 'create', 'mine'])).stdout).toContain('flkey_');
});

test('a changed password ends the login here as well', async () => {
  const desk = await openDesk(broker.url);
  await logIn(desk);
  const change = ['platform', 'change-password', '--password-stdin'];
  const wrong = await desk.run(change, { stdin: `not ${goodPassword}\n${goodPassword} 2\n` });
  expect(wrong).toMatchObject({ stdout: '', exitCode: 1 });
  expect(wrong.stderr).toContain('INVALID_CREDENTIALS');
  const changed = await desk.run(change, { stdin: `${goodPassword}\n${goodPassword} 2\n` });
  expect(changed.stdout).toBe('Changed the password. Log in again: flowplate platform login\n');
  expect((await desk.run(['platform', 'whoami'])).stderr).toContain('not logged in');
});
