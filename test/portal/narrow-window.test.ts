import { beforeAll, expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { reportLeak, withReporter } from '../support/leaks.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { openPortal, type Portal, sessionCookie } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root } = await openSite(withReporter);

const phone = { width: 390, height: 844 };

beforeAll(async () => {
  await tenantKey(broker, 'org_with_quite_a_long_name', { name: 'A key of a tenant with a longer name' });
  await platformKey(broker, ['role_platform_viewer'], { name: 'Key of the platform' });
  const { key } = await mint(broker, {
    name: 'The app of a phone',
    organization_id: 'org_with_quite_a_long_name',
  });
  await broker.call('POST /v1/flowplate/api-keys/verify', { body: { key } });
  await broker.settleUsage();
  await reportLeak(broker, (await mint(broker, { organization_id: 'org_with_quite_a_long_name' })).key);
});

async function openNarrow(view: string, colorScheme?: 'dark'): Promise<Portal> {
  const cookie = await sessionCookie(broker.url, root.email);
  const window = colorScheme === undefined ? phone : { ...phone, colorScheme };
  const portal = await openPortal(browser, broker.url, view, window, [cookie]);
  await portal.page.getByRole('heading', { level: 1 }).waitFor();
  await portal.page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
  return portal;
}

/** Buttons and links of the header and in rows that lie beside the window. */
const outOfSight = ({ page }: Portal) =>
  page.evaluate(`[...document.querySelectorAll('header button, .list-table button, .list-table a')]
    .filter((control) => control.getBoundingClientRect().right > ${phone.width})
    .map((control) => control.ariaLabel ?? control.textContent)`);

const lists = [
  'users',
  'api-keys',
  'hidden-keys',
  'leaks',
  'tenants',
  'roles',
  'master-keys',
  'audit',
  'usage',
];

test.each(lists)('in %s each row is a card, with every action in sight', async (view) => {
  const portal = await openNarrow(`/${view}`);
  const { page } = portal;
  const row = page.locator('.list-table tbody tr').first();
  await row.waitFor();
  const display = "getComputedStyle(document.querySelector('.list-table tbody tr')).display";
  expect(await page.evaluate(display)).toBe('block');
  expect(await outOfSight(portal)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(phone.width);
  await portal.look(`narrow-${view}`);
  await portal.close();
});

test.each(lists)('%s can be read in dark colours as well', async (view) => {
  const portal = await openNarrow(`/${view}`, 'dark');
  await portal.page.locator('.list-table tbody tr').first().waitFor();
  await portal.look(`narrow-dark-${view}`);
  await portal.close();
});

test('filters open by a button, which says how many are set', async () => {
  const portal = await openNarrow('/api-keys');
  const { page } = portal;
  const status = page.getByRole('combobox', { name: 'Status' });
  await page.getByLabel('Search').waitFor();
  expect(await status.isVisible()).toBe(false);
  await page.getByRole('button', { name: 'Filters', exact: true }).click();
  await status.click();
  await page.getByRole('option', { name: 'Active' }).click();
  await page.getByRole('button', { name: 'Filters (1)' }).waitFor();
  await page.waitForURL('**/api-keys?status=active');
  await portal.close();
});

test('an action of a card works', async () => {
  const portal = await openNarrow('/tenants');
  const { page } = portal;
  await page.getByRole('button', { name: 'Suspend org_with_quite_a_long_name' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await portal.close();
});
