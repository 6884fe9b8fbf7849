import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drain, listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { platformKey } from '../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../support/platform-users.ts';
import { type Desk, openDesk } from './flowplate.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let broker: TestBroker;
let root: LoggedIn;
let desk: Desk;
let terminal: Terminal;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  root = await bootstrapped(broker);
  desk = await openDesk(broker.url);
  terminal = await openTerminal(desk);
});
afterAll(endAll);

/** Types the command, and answers at the portal as `root` with the code on the screen. */
async function logInAndAnswer(line: string, approve: boolean): Promise<string> {
  const from = terminal.screen().length;
  const output = terminal.command(line);
  const shown = () => terminal.screen().slice(from);
  await eventually(30_000, shown, (now) => now.includes('Waiting for the answer'));
  const [, user_code = ''] = /code there: +(\S+)/.exec(shown()) ?? [];
  const page = { 'x-flowplate-portal': '1', origin: broker.url };
  const body = { email: root.email, password: goodPassword };
  const session = await broker.call('POST /api/v1/platform/session', { as: null, headers: page, body });
  const [cookie = ''] = (session.headers.get('set-cookie') ?? '').split(';');
  const answered = await broker.call('POST /api/v1/platform/auth/device/answer', {
    as: null,
    headers: { ...page, cookie },
    body: { user_code, approve },
  });
  expect(answered.status).toBe(200);
  return output;
}

test('at a terminal the log-in is approved in the browser, and the token is in the file alone', async () => {
  expect(await logInAndAnswer('flowplate platform login', true)).toContain('Logged in as root@example.com');
  const file = await readFile(join(desk.home, '.config', 'flowplate', 'credentials.json'), 'utf8');
  const { token } = JSON.parse(file).servers[broker.url];
  expect(terminal.screen()).not.toContain(token);
  expect(terminal.screen()).toContain(`${broker.url}/platform/device`);
  expect(await terminal.command('flowplate platform whoami')).toContain('Root');
});

test('a log-in that was denied ends with 1', async () => {
  const output = await logInAndAnswer('flowplate platform login --browser; echo "ended with $?"', false);
  expect(output).toContain('The log-in was denied in the browser (DEVICE_LOGIN_DENIED');
  expect(output).toContain('ended with 1');
});

describe('wrong use is told, and nothing is asked', () => {
  test.each([
    [['platform', 'login'], 'there is no terminal'],
    [['platform', 'login', '--browser', '--email', 'a@example.com'], '--browser and --open without'],
    [['platform', 'login', '--password-stdin'], 'add --email'],
  ])('%s', async (args, told) => {
    const { stderr, stdout, exitCode } = await desk.run(args);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toContain(told);
  });
});

test('a server of before has no log-in by browser, and the way that it has is named', async () => {
  const error = { code: 'ROUTE_NOT_FOUND', message: 'This address does not exist.', status: 404 };
  const server = createServer((_req, res) => {
    res.writeHead(404, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ success: false, error: { ...error, trace_id: 'req_1', details: {} } }));
  });
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => drain(server));
  const { stderr, exitCode } = await desk.run([
    ...['--server', `http://127.0.0.1:${port}`],
    ...['platform', 'login', '--browser'],
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Log in with a password: add --email <email>');
});

test('a break-glass account is marked', async () => {
  const user = await platformUser(broker, root);
  const env = { FLOWPLATE_API_KEY: (await platformKey(broker)).secret };
  const args = ['platform', 'users', 'update', user.id, '--break-glass', 'true'];
  expect(await desk.json(args, { env })).toMatchObject({ is_break_glass: true, sign_in: 'password' });
});
