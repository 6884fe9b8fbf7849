import { beforeAll, expect, test } from 'vitest';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { platformUser } from '../support/platform-users.ts';
import { field, logInAs, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

beforeAll(async () => {
  await tenantKey(broker, 'org_visited', { name: 'Its own key' });
  await platformKey(broker, undefined, { name: 'Key of the platform' });
});

async function enter(email: string): Promise<Portal> {
  const portal = await openAs(email, '/tenants');
  const { page } = portal;
  await page.getByRole('button', { name: 'Enter org_visited' }).click();
  await field(page.getByRole('dialog'), 'reason').fill('Störung 4711');
  await page.getByRole('dialog').getByRole('button', { name: 'Enter org_visited' }).click();
  await banner(portal).waitFor();
  return portal;
}

const banner = ({ page }: Portal) => page.getByRole('region', { name: 'Impersonation' });
const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

test('inside a tenant a banner stands above every view, and only its keys are there', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await row(portal, 'Its own key').waitFor();
  expect(await row(portal, 'Key of the platform').count()).toBe(0);
  await portal.look('impersonation');
  await page.getByRole('link', { name: 'Users' }).click();
  await row(portal, root.email).waitFor();
  expect(await banner(portal).isVisible()).toBe(true);
  await page.getByRole('button', { name: 'Leave org_visited' }).click();
  await page.getByRole('heading', { name: 'Tenants' }).waitFor();
  expect(await banner(portal).count()).toBe(0);
  await page.getByRole('link', { name: 'API Keys' }).click();
  await row(portal, 'Key of the platform').waitFor();
  await portal.close();
});

test('what is made there is the tenant’s, and every call is audited with the reason', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Create API Key' }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill('Made inside');
  await dialog.getByRole('combobox', { name: 'Scopes' }).fill('read');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Create API Key' }).click();
  expect(await page.locator('pre').textContent()).toMatch(/^flkey_/);
  const { body: events } = await broker.call('GET /api/v1/platform/audit?event_type=platform.impersonated', {
    as: null,
    headers: root.headers,
  });
  expect(events.length).toBeGreaterThan(1);
  for (const event of events) {
    expect(event).toMatchObject({ actor: { id: root.id }, on_behalf_of: 'org_visited' });
    expect(event.details.reason).toBe('Störung 4711');
  }
  await portal.close();
});

test('read-only looks around inside, and is offered no change', async () => {
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await enter(viewer.email);
  await row(portal, 'Its own key').waitFor();
  expect(await portal.page.getByRole('button', { name: 'Create API Key' }).count()).toBe(0);
  await portal.close();
});

test('whoever logs in next on the same tab stands outside', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.context().clearCookies();
  await page.goto(`${broker.url}/platform/api-keys`);
  const other = await platformUser(broker, root, ['role_platform_operator']);
  await logInAs(portal, other.email);
  await row(portal, 'Key of the platform').waitFor();
  expect(await banner(portal).count()).toBe(0);
  await portal.close();
});
