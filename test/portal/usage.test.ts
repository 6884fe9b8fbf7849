import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { applyFlushes } from '../../src/stores/postgres/usage/flushes.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { platformUserWith } from '../support/platform-users.ts';
import { usageFlush, usageMark } from '../support/usage.ts';
import { dayMs } from '../support/walk-clock.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const row = ({ page }: Portal, text: string) => page.getByRole('row').filter({ hasText: text });
const dayOf = (daysAgo: number) => new Date(Date.now() - daysAgo * dayMs).toISOString().slice(0, 10);

beforeAll(async () => {
  const [busy, quiet] = [await tenantKey(broker, 'org_busy'), await tenantKey(broker, 'org_quiet')];
  for (const [id, name] of [
    ['org_busy', '=Busy "Ltd"'],
    ['org_quiet', 'Quiet'],
  ]) {
    const as = { as: null, headers: root.headers };
    await broker.call(`PATCH /api/v1/platform/tenants/${id}`, { ...as, body: { name } });
  }
  for (const [id, daysAgo, calls] of [
    [busy.id, 0, 30],
    [busy.id, 2, 45],
    [quiet.id, 0, 25],
    [quiet.id, 20, 1_000],
  ] as const) {
    const at = `${dayOf(daysAgo)}T00:00:00Z`;
    await applyFlushes(broker.db, [usageFlush(usageMark(id, at, { calls, code: 'VALID' }))]);
  }
});

test('tenants are there by their calls, with a chart of all, and the range is in the address', async () => {
  const portal = await openAs(root.email, '/usage?days=7', 'Usage');
  const { page } = portal;
  await page.getByRole('img', { name: 'Calls and refusals by day' }).locator('svg').first().waitFor();
  await page.getByText('100 calls and 0 refusals.').waitFor();
  expect(await page.locator('tbody tr').allTextContents()).toEqual([
    '=Busy "Ltd"org_busy7575%0',
    'Quietorg_quiet2525%0',
  ]);
  await portal.look('usage');
  await page.getByText('Last 30 days').click();
  await page.getByText('1,100 calls and 0 refusals.').waitFor();
  expect(await page.locator('tbody tr').first().textContent()).toContain('Quiet');
  await portal.close();
});

test('one tenant is looked at by a click, or chosen by its name', async () => {
  const portal = await openAs(root.email, '/usage?days=7', 'Usage');
  const { page } = portal;
  await row(portal, 'org_quiet').getByRole('link').click();
  await page.getByText('1,025 calls and 0 refusals.').waitFor();
  expect(page.url()).toContain('organization_id=org_quiet');
  await page.getByRole('combobox', { name: 'Tenant' }).fill('busy');
  await page.getByRole('option', { name: '=Busy "Ltd"' }).click();
  await page.getByText('75 calls and 0 refusals.').waitFor();
  await portal.close();
});

test('the CSV has a line a tenant and day, and no formula', async () => {
  const portal = await openAs(root.email, '/usage?days=7', 'Usage');
  const { page } = portal;
  await row(portal, 'org_busy').waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download CSV' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe(`usage-all-from-${dayOf(6)}.csv`);
  expect(await readFile(await file.path(), 'utf8')).toBe(
    [
      '"day","organization_id","organization_name","requests","refused"',
      `"${dayOf(2)}","org_busy","'=Busy ""Ltd""","45","0"`,
      `"${dayOf(0)}","org_busy","'=Busy ""Ltd""","30","0"`,
      `"${dayOf(0)}","org_quiet","Quiet","25","0"`,
      '',
    ].join('\r\n'),
  );
  await portal.close();
});

test('who may not list tenants is not offered the page', async () => {
  const reader = await platformUserWith(broker, root, ['platform:keys:read']);
  const portal = await openAs(reader.email, '/usage');
  await portal.page.getByText('You do not have permission to access this resource.').waitFor();
  expect(await portal.page.getByRole('navigation').getByRole('link', { name: 'Usage' }).count()).toBe(0);
  await portal.close();
});
