import { connect, createServer, type Socket } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDesk } from '../cli/flowplate.ts';
import { openTerminal } from '../cli/terminal.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { bootstrapped, type LoggedIn } from '../support/platform-users.ts';
import { startRealProvider } from '../support/real-provider.ts';
import { field, logInAs, openPortal, startBrowser } from './browser.ts';

const secret = 'the secret of a test';

let browser: Browser;
let broker: TestBroker;
let root: LoggedIn;
/** The broker as browsers know it. */
let publicUrl: string;
beforeAll(async () => {
  const way = await startWay();
  publicUrl = `http://127.0.0.1:${way.port}`;
  const redirectUri = `${publicUrl}/platform/sign-in/callback`;
  const provider = await startRealProvider({ redirectUri, secret, groups: ['keys admins'] });
  atEnd(() => provider.close());
  broker = await startBroker({
    PUBLIC_URL: publicUrl,
    OIDC_ISSUER: provider.url,
    OIDC_CLIENT_ID: 'flowplate',
    OIDC_CLIENT_SECRET: secret,
    OIDC_SCOPES: 'openid profile email groups',
    OIDC_ROLES: 'keys admins=role_platform_admin',
    PASSWORD_LOGIN: 'break-glass',
  });
  atEnd(() => broker.close());
  way.leadTo(Number(new URL(broker.url).port));
  root = await bootstrapped(broker);
  browser = await startBrowser();
  atEnd(() => browser.close());
});
afterAll(endAll);

/** A port that is known before the broker is there, whose address the broker has to be told. */
async function startWay() {
  let target = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const there = connect(target, '127.0.0.1');
    for (const socket of [client, there]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    client.pipe(there).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    leadTo: (next: number) => {
      target = next;
    },
  };
}

test('somebody of the company signs in at its provider, and approves the log-in of their terminal', async () => {
  const portal = await openPortal(browser, publicUrl, '/login?next=%2Fusers');
  const { page } = portal;
  await page.getByRole('link', { name: 'Sign in with your company account' }).waitFor();
  await portal.look('login-with-provider');
  expect(await field(page, 'password').count()).toBe(0);
  await page.getByRole('link', { name: 'Sign in with your company account' }).click();
  await page.locator('input[name="login"]').fill('ada');
  await page.locator('button[type="submit"]').click();
  await page.waitForURL(`${publicUrl}/platform/users`);
  await page.getByRole('cell', { name: 'ada@example.com', exact: true }).waitFor();
  await portal.look('users-of-provider');
  // Cookies know no ports, so the provider's are here too.
  const cookies = await page.context().cookies(publicUrl);
  expect(cookies.filter(({ name }) => name.startsWith('flowplate'))).toMatchObject([
    { name: 'flowplate', httpOnly: true, sameSite: 'Strict' },
  ]);

  const terminal = await openTerminal(await openDesk(publicUrl));
  const login = terminal.command('flowplate platform login');
  await terminal.waitFor('Waiting for the answer');
  expect(terminal.screen()).toContain(`${publicUrl}/platform/device`);
  const [, code = ''] = /Type this code there: +([A-Z]{4}-[A-Z]{4})/.exec(terminal.screen()) ?? [];
  await page.goto(`${publicUrl}/platform/device`);
  await field(page, 'user_code').fill('BBBB-BBBB');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('No log-in with this code is waiting.').waitFor();
  await portal.look('device');
  await field(page, 'user_code').fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('flowplate/').waitFor();
  await portal.look('device-question');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Your terminal goes on by itself.').waitFor();
  await portal.look('device-approved');
  expect(await login).toContain('Logged in as ada@example.com');
  expect(await terminal.command('flowplate platform whoami')).toContain('ada of the company');
  await portal.close();
});

test('a break-glass account logs in with its password, from behind a link of its own', async () => {
  const portal = await openPortal(browser, publicUrl, '/login?reason=provider-unavailable');
  const { page } = portal;
  await page.getByText('does not answer at the moment').waitFor();
  await page.getByRole('button', { name: 'Log in with a break-glass account' }).click();
  await logInAs(portal, root.email);
  await portal.close();
});
