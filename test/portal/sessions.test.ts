import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../support/platform-users.ts';
import { everythingKept, field, logInAs, openPortal, startBrowser } from './browser.ts';

let broker: TestBroker;
let browser: Browser;
let root: LoggedIn;
beforeAll(async () => {
  [broker, browser] = await Promise.all([startBroker(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await broker?.close();
});

test('while there is no user, the page says what to type, and goes on to the login once somebody has', async () => {
  const portal = await openPortal(browser, broker.url, '/login');
  const command = portal.page.locator('pre');
  await command.waitFor();
  expect(await command.textContent()).toContain(`npx flowplate --server ${broker.url} platform create-admin`);
  await portal.look('first-run');
  await tenantKey(broker, 'org_first');
  root = await bootstrapped(broker);
  await portal.page.getByRole('button', { name: 'Log in' }).waitFor();
  await portal.look('login');
  await portal.close();
});

test('the login loads at most 250 KB of script, and all there is has at most 500', async () => {
  const portal = await openPortal(browser, broker.url, '/login');
  await portal.page.getByRole('button', { name: 'Log in' }).waitFor();
  const loaded = (await portal.page.evaluate(
    "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).map(({ encodedBodySize }) => encodedBodySize)",
  )) as number[];
  expect(loaded.length).toBeGreaterThan(0);
  expect(sum(loaded)).toBeLessThan(250_000);
  expect(sum(await builtScripts())).toBeLessThan(500_000);
  await portal.close();
});

test('a script that somebody has slipped into the page is stopped, and such a stop fails a run', async () => {
  const portal = await openPortal(browser, broker.url, '/login');
  const ran = await portal.page.evaluate(
    "const script = document.createElement('script'); script.textContent = 'window.ran = true'; document.body.append(script); window.ran",
  );
  expect(ran).toBeUndefined();
  await expect.poll(() => portal.complaints.splice(0).join()).toContain('Content Security Policy');
  await portal.close();
});

test('logging in leads to where one was going, and the token is nowhere in the page', async () => {
  const portal = await openPortal(browser, broker.url, '/users?search=root');
  const { page } = portal;
  await page.getByText('Your session has ended').waitFor();
  await logInAs(portal, root.email);
  await page.waitForURL(`${broker.url}/platform/users?search=root`);
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ name: 'flowplate', httpOnly: true, sameSite: 'Strict', path: '/' });
  const seen = await page.evaluate(everythingKept);
  expect(seen).not.toContain(cookie?.value);
  await portal.close();
});

test('a link to somebody else’s address is not where a login ends', async () => {
  const portal = await openPortal(browser, broker.url, '/login?next=//evil.example/');
  await logInAs(portal, root.email);
  expect(new URL(portal.page.url()).origin).toBe(broker.url);
  await portal.close();
});

test('a wrong password is refused in the server’s words, and everything typed is still there', async () => {
  const portal = await openPortal(browser, broker.url, '/login');
  const { page } = portal;
  await page.getByLabel('Email').fill(root.email);
  await field(page, 'password').fill('not the right password');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('The e-mail address or the password is wrong.').waitFor();
  await portal.look('login-refused');
  expect(await page.getByLabel('Email').inputValue()).toBe(root.email);
  await portal.close();
});

test('when the session ends elsewhere, the next click leads to the login and shows nothing any more', async () => {
  const user = await platformUser(broker, root);
  const portal = await openPortal(browser, broker.url, '/users');
  const { page } = portal;
  await logInAs(portal, user.email);
  await page.getByRole('cell', { name: root.email, exact: true }).waitFor();
  await broker.call(`POST /api/v1/platform/users/${user.id}/reset-password`, {
    as: null,
    headers: root.headers,
    body: { password: 'another horse battery staple' },
  });
  await page.getByRole('button', { name: `Edit ${root.email}` }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Your session has ended').waitFor();
  expect(await page.content()).not.toContain(root.email);
  await portal.close();
});

test('a confirmation that waits when the session ends is refused, and not asked of the next operator', async () => {
  const user = await platformUser(broker, root);
  const other = await platformUser(broker, root);
  const target = await platformUser(broker, root);
  const portal = await openPortal(browser, broker.url, `/users?search=${target.email}`);
  const { page } = portal;
  await logInAs(portal, user.email);
  await broker.db
    .updateTable('platform_sessions')
    .set({ confirmed_at: new Date(Date.now() - 11 * 60_000) })
    .where('user_id', '=', user.id)
    .execute();
  await page.getByRole('button', { name: `Reset Factors ${target.email}` }).click();
  await page.getByRole('button', { name: `Reset the second factors of ${target.email}` }).click();
  const stepUp = page.getByRole('dialog', { name: 'Please confirm that it is you' });
  await field(stepUp, 'own_password').fill(goodPassword);
  await page.evaluate(
    "fetch('/api/v1/platform/auth/logout', { method: 'POST', headers: { 'X-Flowplate-Portal': '1' } })",
  );
  await stepUp.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('Your session has ended').waitFor();
  await logInAs(portal, other.email);
  await page.getByRole('cell', { name: target.email, exact: true }).waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
  await portal.close();
});

test('log-out ends the session on the server, and going back shows the login', async () => {
  const portal = await openPortal(browser, broker.url, '/users');
  const { page } = portal;
  await logInAs(portal, root.email);
  const [cookie] = await page.context().cookies();
  await page.getByRole('button', { name: 'Root', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.waitForURL('**/platform/login');
  const me = await broker.call('GET /api/v1/platform/auth/me', {
    as: null,
    headers: { cookie: `flowplate=${cookie?.value}` },
  });
  expect(me.status).toBe(401);
  expect(await page.context().cookies()).toEqual([]);
  await page.goBack();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await portal.close();
});

test('the own password is changed with the current one, and then one logs in with the new one', async () => {
  const user = await platformUser(broker, root);
  const portal = await openPortal(browser, broker.url, '/account');
  const { page } = portal;
  await logInAs(portal, user.email);
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  await portal.look('account');
  const change = async (current: string, wanted: string) => {
    await field(page, 'current_password').fill(current);
    await field(page, 'new_password').fill(wanted);
    await field(page, 'repeated').fill(wanted);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change('not the right password', 'another horse battery staple');
  await page.getByText('is not your current password').waitFor();
  await change(goodPassword, 'short');
  await page.getByText('must have at least 15 characters').waitFor();
  await change(goodPassword, 'another horse battery staple');
  await page.getByText('Your password was changed').waitFor();
  await logInAs(portal, user.email, 'another horse battery staple');
  await portal.close();
});

test.each([
  ['narrow', { width: 380, height: 760 }],
  ['dark', { width: 1280, height: 800, colorScheme: 'dark' as const }],
])('the shell is good to use in a window that is %s', async (name, window) => {
  const portal = await openPortal(browser, broker.url, '/users', window);
  const { page } = portal;
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  await portal.look(`login-${name}`);
  await page.getByLabel('Email').fill(root.email);
  await field(page, 'password').fill(goodPassword);
  await page.keyboard.press('Enter');
  // In a card the title of the column is a part of the cell's name.
  await page.getByText(root.email, { exact: true }).waitFor();
  await portal.look(`users-${name}`);
  await portal.close();
});

/** The size of each script as it travels. */
async function builtScripts(): Promise<number[]> {
  const directory = join(projectRoot, 'portal/dist/assets');
  const names = (await readdir(directory)).filter((name) => name.endsWith('.js'));
  return Promise.all(names.map(async (name) => gzipSync(await readFile(join(directory, name))).length));
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
