import { TOTP } from 'otpauth';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goodPassword, type LoggedIn, logIn, platformUser, tryLogIn } from '../support/platform-users.ts';
import { enrollTotp } from '../support/second-factors.ts';
import { field, openPortal, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root } = await openSite();

/** A passkey needs a name: browsers give none to an IP address. */
const url = broker.url.replace('127.0.0.1', 'localhost');
const phone = { width: 390, height: 844 };

let user: LoggedIn;
let portal: Portal;
let page: Page;
let secret: string;
let codes: string[];
/** An authenticator of the browser's own, which verifies everybody (WebAuthn §11). */
let debuggerOf: CDPSession;

beforeAll(async () => {
  user = await platformUser(broker, root);
  portal = await openPortal(browser, url, '/account');
  page = portal.page;
  debuggerOf = await page.context().newCDPSession(page);
  await debuggerOf.send('WebAuthn.enable');
  await debuggerOf.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true },
      automaticPresenceSimulation: true,
    },
  });
});
afterAll(() => portal?.close());

const code = (steps = 0) => new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 });
const button = (name: string) => page.getByRole('button', { name, exact: true });

async function typeLogin(): Promise<void> {
  await page.getByLabel('Email').fill(user.email);
  await field(page, 'password').fill(goodPassword);
  await button('Log in').click();
}

async function leave(): Promise<void> {
  await page.context().clearCookies();
  await page.goto(`${url}/platform/account`);
}

/** As if the login were eleven minutes old. */
async function age(): Promise<void> {
  await broker.db
    .updateTable('platform_sessions')
    .set({ confirmed_at: new Date(Date.now() - 11 * 60_000) })
    .where('user_id', '=', user.id)
    .execute();
}

test('an authenticator app is set up with its picture and a code, and recovery codes are shown once', async () => {
  await typeLogin();
  await button('Set up an authenticator app').click();
  await page.getByRole('img', { name: 'QR code for the app' }).waitFor();
  secret = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
  await portal.look('enroll-totp');
  await field(page, 'code').fill('000000');
  await button('Set up').click();
  await page.getByText('The code or the passkey is not valid').waitFor();
  await field(page, 'code').fill(code(-1));
  await button('Set up').click();
  const shown = page.getByRole('dialog').locator('pre');
  await page.getByText('They are shown only this once').waitFor();
  codes = ((await shown.textContent()) ?? '').split('\n');
  expect(codes).toHaveLength(10);
  await portal.look('recovery-codes');
  await button('I have stored them').click();
  await page.getByText('10 of 10 recovery codes are left').waitFor();
  expect(await page.content()).not.toContain(codes[0]);
});

test('the next login asks for a code of the app, after the password and not before', async () => {
  await leave();
  await typeLogin();
  await page.getByText('This account has a second factor').waitFor();
  await portal.look('login-second-factor');
  await field(page, 'code').fill('000000');
  await button('Log in').click();
  await page.getByText('The code or the passkey is not valid').waitFor();
  await field(page, 'code').fill(code());
  await button('Log in').click();
  await page.getByRole('heading', { name: 'Account' }).waitFor();
});

test('an older login is asked to confirm above the filled form, and the key is made then', async () => {
  await age();
  await page.goto(`${url}/platform/master-keys`);
  await button('Create Master Key').click();
  await field(page, 'name').fill('gateway');
  await page.getByRole('checkbox').first().check();
  await page.getByRole('dialog').getByRole('button', { name: 'Create Master Key' }).click();
  await page.getByText('Please confirm that it is you').first().waitFor();
  await portal.look('step-up');
  await button('Cancel').last().click();
  await page.getByRole('alert').getByText('Please confirm that it is you.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Create Master Key' }).click();
  await field(page, 'code').fill(codes[0] ?? '');
  await button('Confirm').click();
  await page.getByText('This key is shown only this once').waitFor();
  await button('I have stored it').click();
  await page.getByRole('cell', { name: /^gateway/ }).waitFor();
});

test('a passkey is added, and logs in', async () => {
  await page.goto(`${url}/platform/account`);
  await button('Add a passkey').click();
  await field(page, 'name').fill('Laptop');
  await button('Add').last().click();
  await button('Remove Laptop').waitFor();
  await leave();
  await typeLogin();
  await button('Use a passkey').click();
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  await page.getByText('Password, passkey').first().waitFor();
});

test('sessions are listed with this one marked, ended one by one and all others together, on a phone too', async () => {
  await broker.db.deleteFrom('platform_sessions').where('user_id', '=', root.id).execute();
  await page.setViewportSize({ width: 1280, height: 800 });
  await portal.look('account-wide');
  const rows = page.getByRole('region', { name: 'Sessions' }).locator('tbody tr');
  const before = await rows.count();
  expect(before).toBeGreaterThan(1);
  await page
    .getByRole('button', { name: /^End (?!all)/ })
    .first()
    .click();
  await expect.poll(() => rows.count()).toBe(before - 1);
  await page.setViewportSize(phone);
  await page.reload();
  await page.getByText('This one').waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(phone.width);
  await portal.look('account-narrow');
  await button('End all others').click();
  await expect.poll(() => rows.count()).toBe(1);
});

test('the last factor is removed with a passkey as the confirmation, and the password alone lets in', async () => {
  await age();
  await button('Remove Authenticator app').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove Authenticator app' }).click();
  await button('Use a passkey').click();
  await button('Set up an authenticator app').waitFor();
  await button('Remove Laptop').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove Laptop' }).click();
  await expect.poll(async () => (await tryLogIn(broker, user.email)).status).toBe(200);
});

test("a super-admin resets somebody else's, and the dialog says what it means", async () => {
  const other = await platformUser(broker, await logIn(broker, root.email));
  await enrollTotp(broker, other);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${url}/platform/users?search=${other.email}`);
  await button(`Reset Factors ${other.email}`).click();
  await page.getByText('make sure that it is they who ask').waitFor();
  await portal.look('reset-second-factors');
  await page.getByRole('dialog').getByRole('button', { name: 'Reset the second factors' }).click();
  await expect.poll(async () => (await tryLogIn(broker, other.email)).status).toBe(200);
});

test('where the deployment requires one, the account page is all there is until it is set up', async () => {
  const newcomer = await platformUser(broker, await logIn(broker, root.email));
  const replica = await broker.replica({ SECOND_FACTOR: 'required' });
  try {
    const strict = await openPortal(browser, replica.url, '/users', phone);
    await strict.page.getByLabel('Email').fill(newcomer.email);
    await field(strict.page, 'password').fill(goodPassword);
    await strict.page.getByRole('button', { name: 'Log in' }).click();
    await strict.page.waitForURL('**/platform/account');
    await strict.page.getByText('Set up a second factor to go on').waitFor();
    await strict.look('second-factor-required');
    await strict.close();
  } finally {
    await replica.close();
  }
});
