import { expect, test } from 'vitest';
import { platformUser } from '../support/platform-users.ts';
import { choose } from './api-key-steps.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const focused = ({ page }: Portal) =>
  page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent');

const title = ({ page }: Portal) => expect.poll(() => page.title());

test('the tab and the history call each view by its name', async () => {
  const portal = await openAs(root.email, '/users', 'Users');
  await title(portal).toBe('Users · Flowplate Keys');
  await portal.page.getByRole('link', { name: 'Audit' }).click();
  await title(portal).toBe('Audit · Flowplate Keys');
  await portal.page.goto(`${broker.url}/platform/account`);
  await title(portal).toBe('Account · Flowplate Keys');
  await portal.close();
});

test('an address where nothing is says so, and leads to the start', async () => {
  const portal = await openAs(root.email, '/nowhere', 'Nothing to see here');
  await portal.look('no-view');
  await portal.page.getByRole('link', { name: 'Go to the start' }).click();
  await portal.page.getByRole('heading', { name: 'Overview' }).waitFor();
  await portal.close();
});

test('a dialog takes the focus into its first field, and gives it back to what opened it', async () => {
  const portal = await openAs(root.email, '/users', 'Users');
  const { page } = portal;
  await page.getByRole('button', { name: 'Create User' }).focus();
  await page.keyboard.press('Enter');
  const name = () => page.evaluate('document.activeElement.name');
  await expect.poll(name).toBe('email');
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(portal)).toBe('Create User');
  await portal.close();
});

test('a dialog from a menu gives the focus back to the menu’s button', async () => {
  const portal = await openAs(root.email, '/api-keys', 'API Keys');
  await choose(portal, 'test', 'Revoke');
  await portal.page.getByRole('dialog').waitFor();
  await portal.page.keyboard.press('Escape');
  await expect.poll(() => focused(portal)).toBe('Actions for test');
  await portal.close();
});

test('going back from a closed dialog does not open it again', async () => {
  const portal = await openAs(root.email, '/api-keys', 'API Keys');
  const { page } = portal;
  await page.getByRole('button', { name: 'test', exact: true }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.goBack();
  await page.getByRole('heading', { name: 'API Keys' }).waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
  await portal.close();
});

test('when the session has ended in another tab, the next view that is asked for is the login', async () => {
  const user = await platformUser(broker, root);
  const portal = await openAs(user.email, '/tenants', 'Tenants');
  const { page } = portal;
  await broker.call('POST /api/v1/platform/auth/logout', { as: null, headers: await cookieOf(portal) });
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText('Your session has ended').waitFor();
  await page.waitForURL('**/login?reason=ended&next=%2Faudit');
  await portal.close();
});

test('a view whose script does not come says what to do, and the other views go on', async () => {
  const portal = await openAs(root.email, '/users', 'Users');
  const { page, complaints } = portal;
  await page.route('**/assets/roles-page*', (route) => route.abort());
  await page.getByRole('link', { name: 'Roles' }).click();
  await page.getByRole('alert').getByText('This view could not be loaded').waitFor();
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('heading', { name: 'Users' }).waitFor();
  // The browser and React both say that the script did not come.
  expect(complaints.splice(0).join()).toContain('roles-page');
  await page.getByRole('link', { name: 'Roles' }).click();
  await page.unroute('**/assets/roles-page*');
  await page.getByRole('button', { name: 'Reload the page' }).click();
  await page.getByRole('heading', { name: 'Roles' }).waitFor();
  complaints.splice(0);
  await portal.close();
});

async function cookieOf({ page }: Portal): Promise<Record<string, string>> {
  const [cookie] = await page.context().cookies();
  return {
    cookie: `${cookie?.name}=${cookie?.value}`,
    'x-flowplate-portal': '1',
    'sec-fetch-site': 'same-origin',
  };
}

test('a list that is refused shows why, and nothing that looks as if it were still to come', async () => {
  const portal = await openAs(root.email, '/audit?from=never', 'Audit');
  await portal.page.getByRole('alert').getByText('The request is not valid.').waitFor();
  expect(await portal.page.getByRole('table').count()).toBe(0);
  // The browser says that the day in the address is none.
  portal.complaints.splice(0);
  await portal.close();
});

test('whoever could not be logged out is told that they still are in', async () => {
  const portal = await openAs(root.email, '/users', 'Users');
  const { page, complaints } = portal;
  await page.route('**/auth/logout', (route) => route.abort());
  await page.getByRole('button', { name: 'Root', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByText('You are still logged in').waitFor();
  expect(complaints.splice(0).join()).toContain('ERR_FAILED');
  await portal.close();
});
