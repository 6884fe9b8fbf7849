import { expect, test } from 'vitest';
import { tenantKey } from '../support/platform-callers.ts';
import { platformUser } from '../support/platform-users.ts';
import { field, logInAs, openPortal, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root, openAs } = await openSite();

const tenantsAs = (email: string, view = '/tenants') => openAs(email, view, 'Tenants');

const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

test('a tenant is provisioned, found by its name, and renamed', async () => {
  const portal = await tenantsAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Provision Tenant' }).click();
  await field(page.getByRole('dialog'), 'name').fill('Acme Corp');
  await page.getByRole('dialog').getByRole('button', { name: 'Provision Tenant' }).click();
  await row(portal, 'Acme Corp').getByText('Active').waitFor();
  await portal.look('tenants');
  await page.getByLabel('Search').fill('acme');
  await row(portal, 'org_first').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Rename Acme Corp' }).click();
  await field(page.getByRole('dialog'), 'name').fill('Acme Limited');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await row(portal, 'Acme Limited').waitFor();
  await portal.close();
});

test('suspend and resume say that every verifier knows, and the keys agree', async () => {
  const key = await tenantKey(broker, 'org_held');
  const ask = async () =>
    (await broker.call('GET /api/v1/environments', { as: null, headers: key.headers })).status;
  const portal = await tenantsAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Suspend org_held' }).click();
  await portal.look('suspend-tenant');
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend org_held' }).click();
  await page.getByText('No verifier anywhere accepts a key of it.').waitFor();
  expect(await ask()).toBe(403);
  await page.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Resume org_held' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume org_held' }).click();
  await page.getByText('Every verifier accepts its keys.').waitFor();
  expect(await ask()).toBe(200);
  await portal.close();
});

test('a deleted tenant leaves the list, and is found among the deleted', async () => {
  await tenantKey(broker, 'org_leaving');
  const portal = await tenantsAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Delete org_leaving' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete org_leaving' }).click();
  await page.getByText('org_leaving is deleted').waitFor();
  await page.getByRole('button', { name: 'Close' }).last().click();
  await row(portal, 'org_leaving').waitFor({ state: 'detached' });
  await page.goto(`${broker.url}/platform/tenants?status=deleted`);
  await row(portal, 'org_leaving').getByText('Deleted').waitFor();
  await portal.close();
});

test('read-only sees every tenant and is offered no change', async () => {
  await tenantKey(broker, 'org_seen');
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await tenantsAs(viewer.email);
  await row(portal, 'org_seen').waitFor();
  expect(await portal.page.getByRole('button', { name: /Provision|Rename|Suspend|Delete/ }).count()).toBe(0);
  await portal.close();
});

test('a tenant key is created inside its tenant, which is audited, and works there', async () => {
  await tenantKey(broker, 'org_inside');
  const portal = await openPortal(browser, broker.url, '/api-keys');
  const { page } = portal;
  await logInAs(portal, root.email);
  await page.getByRole('button', { name: 'Create API Key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Tenant key').click();
  await dialog.getByRole('combobox', { name: 'Tenant' }).fill('org_inside');
  await page.getByRole('option', { name: 'org_inside' }).click();
  await field(dialog, 'name').fill('Made for a tenant');
  await dialog.getByRole('combobox', { name: 'Scopes' }).fill('admin');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Create API Key' }).click();
  const secret = (await page.locator('pre').textContent()) ?? '';
  expect(secret).toMatch(/^flkey_/);
  const headers = { authorization: `Bearer ${secret}` };
  expect((await broker.call('GET /api/v1/environments', { as: null, headers })).status).toBe(200);
  const { body: events } = await broker.call('GET /api/v1/platform/audit?event_type=platform.impersonated', {
    as: null,
    headers: root.headers,
  });
  expect(events[0]).toMatchObject({ actor: { id: root.id }, on_behalf_of: 'org_inside' });
  await portal.close();
});
