import { expect, test } from 'vitest';
import { goodPassword, platformUser } from '../support/platform-users.ts';
import { field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

async function fillIn(email: string): Promise<Portal> {
  const portal = await openAs(email, '/tenants', 'Tenants');
  await portal.page.getByRole('button', { name: 'Provision Tenant' }).click();
  await name(portal).fill('Typed with care');
  return portal;
}

const name = ({ page }: Portal) => field(page.getByRole('dialog').first(), 'name');

const logInAgain = ({ page }: Portal) => page.getByRole('dialog', { name: 'Your session has ended' });

/** Ends the session on the server, and sends the form, which is refused. */
async function sendAfterTheEnd({ page }: Portal): Promise<void> {
  await page.evaluate(
    "fetch('/api/v1/platform/auth/logout', { method: 'POST', headers: { 'X-Flowplate-Portal': '1' } })",
  );
  await page.getByRole('dialog').getByRole('button', { name: 'Provision Tenant' }).click();
}

test('a click outside and Escape leave a filled form open; Cancel discards it', async () => {
  const portal = await fillIn(root.email);
  const { page } = portal;
  await page.mouse.click(5, 400);
  await page.keyboard.press('Escape');
  expect(await name(portal).inputValue()).toBe('Typed with care');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await portal.close();
});

test('Escape closes a form that nobody has filled in', async () => {
  const portal = await openAs(root.email, '/tenants', 'Tenants');
  const { page } = portal;
  await page.getByRole('button', { name: 'Provision Tenant' }).click();
  await name(portal).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await portal.close();
});

test('the browser asks before it leaves a filled form', async () => {
  const portal = await fillIn(root.email);
  const { page } = portal;
  const asked = page.waitForEvent('dialog');
  // `page.reload` would wait for the page that is not loaded.
  await page.evaluate('setTimeout(() => location.reload())');
  const question = await asked;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  expect(await name(portal).inputValue()).toBe('Typed with care');
  await portal.close();
});

test('after the end of the session the login comes above a filled form, which is then sent', async () => {
  const user = await platformUser(broker, root, ['role_platform_operator']);
  const portal = await fillIn(user.email);
  const { page } = portal;
  await sendAfterTheEnd(portal);
  await logInAgain(portal).waitFor();
  await portal.look('log-in-again');
  await field(logInAgain(portal), 'email').fill(user.email);
  await field(logInAgain(portal), 'password').fill(goodPassword);
  await logInAgain(portal).getByRole('button', { name: 'Log in' }).click();
  await logInAgain(portal).waitFor({ state: 'detached' });
  expect(await name(portal).inputValue()).toBe('Typed with care');
  await page.getByRole('dialog').getByRole('button', { name: 'Provision Tenant' }).click();
  await page.getByRole('button', { name: 'Typed with care', exact: true }).waitFor();
  await portal.close();
});

test('another operator who logs in there does not get the form', async () => {
  const [user, other] = [
    await platformUser(broker, root, ['role_platform_operator']),
    await platformUser(broker, root, ['role_platform_operator']),
  ];
  const portal = await fillIn(user.email);
  const { page } = portal;
  await sendAfterTheEnd(portal);
  // Says yes to leaving the page.
  page.on('dialog', (dialog) => void dialog.accept());
  await field(logInAgain(portal), 'email').fill(other.email);
  await field(logInAgain(portal), 'password').fill(goodPassword);
  await logInAgain(portal).getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/platform/overview');
  expect(await page.getByRole('dialog').count()).toBe(0);
  await portal.close();
});
