import { beforeAll, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { platformUser, platformUserWith } from '../support/platform-users.ts';
import { field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const there = '/environments?tenant=org_visited';

beforeAll(async () => {
  await tenantKey(broker, 'org_visited');
  await mint(broker, { organization_id: 'org_visited', environment: 'used' });
});

const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });
const place = ({ page }: Portal) => page.getByRole('navigation').getByRole('link', { name: 'Environments' });

/** By the link to the environments of the tenant, which asks for the reason first. */
async function enter(email: string): Promise<Portal> {
  const portal = await openAs(email, there, 'Environments');
  await portal.page.getByRole('button', { name: 'Enter org_visited' }).click();
  await field(portal.page.getByRole('dialog'), 'reason').fill('Look at environments');
  await portal.page.getByRole('dialog').getByRole('button', { name: 'Enter org_visited' }).click();
  await portal.page.getByRole('region', { name: 'Impersonation' }).waitFor();
  return portal;
}

test('a link to the environments of a tenant leads in, and each call is audited with the reason', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  expect(page.url()).toContain(there);
  await row(portal, 'default').getByText('Default').waitFor();
  expect(await page.getByRole('columnheader').allTextContents()).toEqual([
    'Name',
    'Id',
    'Created',
    'Actions',
  ]);
  expect(await row(portal, 'default').getByRole('button').count()).toBe(0);
  await portal.look('environments');
  const { body: events } = await broker.call('GET /api/v1/platform/audit?event_type=platform.impersonated', {
    as: null,
    headers: root.headers,
  });
  expect(events[0]).toMatchObject({
    actor: { id: root.id },
    on_behalf_of: 'org_visited',
    details: { reason: 'Look at environments', path: '/api/v1/environments' },
  });
  await portal.close();
});

test('one is created and deleted; a bad name and a taken one are said at the field', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Create Environment' }).click();
  const dialog = page.getByRole('dialog');
  const create = dialog.getByRole('button', { name: 'Create Environment' });
  await field(dialog, 'name').fill('Not a slug');
  await create.click();
  await dialog.getByText('must be 1 to 16 of a-z 0-9').waitFor();
  await field(dialog, 'name').fill('default');
  await create.click();
  await dialog.getByText('An environment with this name exists already.').waitFor();
  expect(await field(dialog, 'name').getAttribute('aria-invalid')).toBe('true');
  await portal.look('create-environment-refused');
  await field(dialog, 'name').fill('staging');
  await create.click();
  await row(portal, 'staging').waitFor();
  await page.getByRole('button', { name: 'Delete staging' }).click();
  await page.getByRole('heading', { name: 'Delete staging?' }).waitFor();
  await portal.look('delete-environment');
  await dialog.getByRole('button', { name: 'Delete staging' }).click();
  await row(portal, 'staging').waitFor({ state: 'detached' });
  await portal.close();
});

test('one with a key that has not ended stays, and the dialog says why', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Delete used' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete used' }).click();
  await page.getByText('This environment still has keys.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect(await row(portal, 'used').count()).toBe(1);
  await portal.close();
});

test('the side bar has them inside a tenant alone; outside the page says the way in', async () => {
  const portal = await openAs(root.email, '/environments', 'Environments');
  const { page } = portal;
  await page.getByRole('link', { name: 'Choose a tenant to enter' }).waitFor();
  expect(await place(portal).count()).toBe(0);
  await portal.look('environments-outside');
  await page.getByRole('link', { name: 'Choose a tenant to enter' }).click();
  await page.getByRole('button', { name: 'Enter org_visited' }).click();
  await field(page.getByRole('dialog'), 'reason').fill('By the side bar');
  await page.getByRole('dialog').getByRole('button', { name: 'Enter org_visited' }).click();
  await place(portal).click();
  await row(portal, 'default').waitFor();
  await page.goto(`${broker.url}/platform/environments?tenant=org_first`);
  // Of another tenant nothing is said before this one is left.
  await page.getByText('Leave org_visited and open this address again.').waitFor();
  expect(await page.getByRole('table').count()).toBe(0);
  await page.getByRole('button', { name: 'Leave org_visited' }).click();
  await page.getByRole('heading', { name: 'Tenants' }).waitFor();
  await page.goto(`${broker.url}/platform/environments?tenant=org_first`);
  await page.getByRole('button', { name: 'Enter org_first' }).waitFor();
  await portal.close();
});

test('the details of a tenant count its keys and name its environments, and lead to them', async () => {
  const portal = await openAs(root.email, '/tenants', 'Tenants');
  const { page } = portal;
  await page.getByRole('button', { name: 'org_visited', exact: true }).click();
  await page.waitForURL('**/tenants?tenant=org_visited');
  const dialog = page.getByRole('dialog');
  await row(portal, 'Its own keys').getByText('1, of which 1 active').waitFor();
  await row(portal, 'Environments').getByText('used').waitFor();
  await portal.look('tenant-details');
  await dialog.getByRole('row').filter({ hasText: 'Hidden keys' }).getByRole('link', { name: '1' }).click();
  await page.waitForURL('**/hidden-keys?organization_id=org_visited');
  await page.goBack();
  await dialog.getByRole('link', { name: 'Open' }).click();
  await page.waitForURL(`**${there}`);
  await page.getByRole('button', { name: 'Enter org_visited' }).waitFor();
  await portal.close();
});

test('an admin is offered the same, read-only looks around and is offered no change', async () => {
  const admin = await platformUser(broker, root, ['role_platform_operator']);
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const offered = async ({ email }: { email: string }) => {
    const portal = await enter(email);
    await row(portal, 'used').waitFor();
    const names = await portal.page
      .getByRole('main')
      .getByRole('button', { name: /Create|Delete/ })
      .allTextContents();
    await portal.close();
    return names.sort();
  };
  expect(await offered(admin)).toContain('Create Environment');
  expect(await offered(viewer)).toEqual([]);
});

test('who may enter no tenant is offered no way in', async () => {
  const other = await platformUserWith(broker, root, ['platform:tenants:read']);
  const portal = await openAs(other.email, there, 'Environments');
  await portal.page.getByText('Your roles do not let you enter one.').waitFor();
  expect(await portal.page.getByRole('button', { name: /Enter/ }).count()).toBe(0);
  await portal.close();
});
