import { expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
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

test('a policy is checked against the keys, set, shown, changed and cleared', async () => {
  const organizationId = 'org_ruled';
  await tenantKey(broker, organizationId);
  const free = await mint(broker, { user_id: 'usr_free', organization_id: organizationId });
  const portal = await tenantsAs(root.email, `/tenants?name=${organizationId}`);
  const { page } = portal;
  await page.getByRole('button', { name: organizationId, exact: true }).click();
  const details = page.getByRole('dialog', { name: organizationId, exact: true });
  await details.getByText('None: its user keys may have any settings.').waitFor();
  await details.getByRole('button', { name: 'Set Policy' }).click();

  const form = page.getByRole('dialog', { name: `Policy of ${organizationId}` });
  await field(form, 'ttl_days_max').fill('30');
  await field(form, 'rate_limit_default.limit').fill('5');
  await form.getByLabel('Only these scopes').check();
  await form.getByRole('combobox', { name: 'Allowed scopes' }).fill('orders:read');
  await page.keyboard.press('Enter');
  await form.getByRole('button', { name: 'Check Keys' }).click();
  await form.getByText('1 of 1 active keys break it').waitFor();
  await form.getByText('ttl_seconds_max: 1').waitFor();
  await form.getByText(free.key_id).waitFor();
  await portal.look('policy-form');
  await form.getByRole('button', { name: 'Set Policy' }).click();
  await form.waitFor({ state: 'detached' });

  await details.getByText('30 days').waitFor();
  await portal.look('tenant-policy');
  const headers = root.headers;
  const shown = () =>
    broker.call(`GET /api/v1/platform/tenants/${organizationId}/policy`, { as: null, headers });
  expect((await shown()).body.policy).toEqual({
    ttl_seconds_max: 2_592_000,
    rate_limit_default: { limit: 5, window_seconds: 60 },
    allowed_scopes: ['orders:read'],
  });

  await details.getByRole('button', { name: 'Change Policy' }).click();
  await field(form, 'ttl_days_max').fill('1');
  await field(form, 'ttl_days_default').fill('2');
  await form.getByRole('button', { name: 'Set Policy' }).click();
  await form.getByText('is beyond what the policy allows').waitFor();
  await form.getByRole('button', { name: 'Cancel' }).click();

  await details.getByRole('button', { name: 'Clear Policy' }).click();
  await page.getByRole('dialog', { name: 'Clear' }).getByRole('button', { name: 'Clear Policy' }).click();
  await details.getByText('None: its user keys may have any settings.').waitFor();
  expect((await shown()).body.policy).toBeNull();
  await portal.close();
});

test('read-only sees a policy and may check keys, but is offered no change of it', async () => {
  await tenantKey(broker, 'org_looked_at');
  await broker.call('PUT /api/v1/platform/tenants/org_looked_at/policy', {
    as: null,
    headers: root.headers,
    body: { expiry_required: true },
  });
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await tenantsAs(viewer.email, '/tenants?name=org_looked_at');
  const { page } = portal;
  await page.getByRole('button', { name: 'org_looked_at', exact: true }).click();
  await page.getByRole('dialog').getByText('Required').waitFor();
  await page.getByRole('button', { name: 'Check Keys' }).click();
  await page.getByText('0 of 0 active keys break it').waitFor();
  expect(await page.getByRole('button', { name: /Set Policy|Change Policy|Clear Policy/ }).count()).toBe(0);
  await portal.close();
});
