import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import {
  bootstrapped,
  goodPassword,
  type LoggedIn,
  logIn,
  platformUser,
  tryLogIn,
} from '../support/platform-users.ts';
import { enrollTotp, totpCode } from '../support/second-factors.ts';
import { type Desk, openDesk } from './flowplate.ts';
import { openTerminal } from './terminal.ts';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  root = await bootstrapped(broker);
});
afterAll(endAll);

/** Somebody at a desk who is logged in; the login is eleven minutes old. */
async function oldLogin(): Promise<{ user: LoggedIn; desk: Desk }> {
  const user = await platformUser(broker, await logIn(broker, root.email));
  const desk = await openDesk(broker.url);
  const args = ['platform', 'login', '--email', user.email, '--password-stdin'];
  expect((await desk.run(args, { stdin: `${goodPassword}\n` })).exitCode).toBe(0);
  await broker.db
    .updateTable('platform_sessions')
    .set({ confirmed_at: new Date(Date.now() - 11 * 60_000) })
    .where('user_id', '=', user.id)
    .execute();
  return { user, desk };
}

const createMasterKey = ['masterkeys', 'create', '--name', 'gateway', '--permissions', 'keys:verify'];

test('a login asks for a code only where the account has a second factor', async () => {
  const user = await platformUser(broker, await logIn(broker, root.email));
  const { secret, codes } = await enrollTotp(broker, user);
  const desk = await openDesk(broker.url);
  const args = ['platform', 'login', '--email', user.email, '--password-stdin'];
  const without = await desk.run(args, { stdin: `${goodPassword}\n` });
  expect(without).toMatchObject({ exitCode: 2, stdout: '' });
  expect(without.stderr).toContain('Code of your authenticator app, or a recovery code is empty');
  const typed = totpCode(broker, secret).replace(/(...)/, '$1 ');
  const withCode = await desk.run(args, { stdin: `${goodPassword}\n${typed}\n` });
  expect(withCode.stdout).toContain(`Logged in as ${user.email}`);
  const recovered = await desk.run(args, { stdin: `${goodPassword}\n${codes[0]}\n` });
  expect(recovered.exitCode).toBe(0);
  const { stdout } = await desk.run(['platform', 'sessions', 'list']);
  expect(stdout).toContain('password+recovery_code');
  const wrong = await desk.run(args, { stdin: `${goodPassword}\n000000\n` });
  expect(wrong.stderr).toContain('SECOND_FACTOR_INVALID');
  expect(wrong.stderr + withCode.stdout + withCode.stderr).not.toContain(secret);
});

test('sessions are listed with a star at this one, and ended one by one or all others', async () => {
  const { user, desk } = await oldLogin();
  const listed = await desk.json(['platform', 'sessions', 'list']);
  expect(listed.map(({ current }: { current: boolean }) => current)).toEqual([true, false]);
  const { stdout } = await desk.run(['platform', 'sessions', 'list']);
  expect(stdout).toMatch(/^ +ID +CREATED +EXPIRES +METHOD +ADDRESS +CLIENT\n\* +sess_/);
  const other = listed[1].id;
  expect((await desk.run(['platform', 'sessions', 'end', other])).stdout).toBe(`Ended session: ${other}\n`);
  await logIn(broker, user.email);
  const ended = await desk.run(['platform', 'sessions', 'end', '--others']);
  expect(ended.stdout).toBe('Ended other sessions: 1\n');
  const neither = await desk.run(['platform', 'sessions', 'end']);
  expect(neither).toMatchObject({ exitCode: 2 });
});

test('without a terminal an old login is told to confirm, does so with stdin, and then may', async () => {
  const { desk } = await oldLogin();
  const refused = await desk.run(createMasterKey);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toContain('flowplate platform confirm');
  const confirmed = await desk.run(['platform', 'confirm', '--password-stdin'], {
    stdin: `${goodPassword}\n`,
  });
  expect(confirmed.stdout).toBe('Confirmed, for ten minutes\n');
  expect((await desk.run(createMasterKey)).stdout).toContain('Created master key: gateway');
});

test('at a terminal it is asked for, and the command goes on', async () => {
  const { desk } = await oldLogin();
  const terminal = await openTerminal(desk);
  const going = terminal.command(`flowplate ${createMasterKey.join(' ')}`);
  await terminal.waitFor('Your password: ');
  terminal.type(goodPassword);
  expect(await going).toContain('Created master key: gateway');
  expect(terminal.screen()).not.toContain(goodPassword);
});

test("a super-admin resets somebody else's second factors", async () => {
  const { desk } = await oldLogin();
  await desk.run(['platform', 'confirm', '--password-stdin'], { stdin: `${goodPassword}\n` });
  const other = await platformUser(broker, await logIn(broker, root.email));
  await enrollTotp(broker, other);
  const { stdout, stderr } = await desk.run(['platform', 'users', 'reset-second-factors', other.id]);
  expect(stdout).toBe(`Reset 1 second factors of platform user: ${other.id}\n`);
  expect(stderr).toContain('The password alone lets them in again');
  expect((await tryLogIn(broker, other.email)).status).toBe(200);
});
