import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { watchAskedScopes } from '../../src/usecases/upkeep/watch-asked-scopes.ts';
import { backdate } from '../support/backdate.ts';
import { mint, refreshed, verify } from '../support/keys.ts';
import { platformUserWith } from '../support/platform-users.ts';
import { openPortal, type Portal, sessionCookie } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root, openAs } = await openSite();

let ending: Awaited<ReturnType<typeof mint>>;
let endless: Awaited<ReturnType<typeof mint>>;
beforeAll(async () => {
  const organization_id = 'org_hygiene';
  ending = await mint(broker, { organization_id, ttl_seconds: 5 * 86_400 });
  const old = await mint(broker, { organization_id });
  endless = await refreshed(broker, old, { grace_period_seconds: 3_600 });
  await verify(broker, old.key);
  await broker.settleUsage();
});

const row = ({ page }: Portal, text: string) => page.getByRole('row').filter({ hasText: text });

test('keys stand there with their findings, narrow by one, lead to their details, and come as a file', async () => {
  const portal = await openAs(root.email, '/hygiene', 'Hygiene');
  const { page } = portal;
  await row(portal, ending.key_prefix).getByText('Expiring').waitFor();
  await row(portal, endless.key_prefix).getByText('No expiry').waitFor();
  await row(portal, endless.key_prefix).getByText('Old key in use').waitFor();
  await row(portal, endless.key_prefix)
    .getByText(/ through .+, first .+, last .+; it ends in 59 minutes/)
    .waitFor();
  await portal.look('hygiene');
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download CSV' }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toMatch(/^hygiene-\d{4}-\d\d-\d\d\.csv$/);
  const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  expect(lines.map((line) => line.split(',')[0])).toEqual(['key_id', endless.key_id, ending.key_id]);
  await page.getByRole('combobox', { name: 'Finding' }).click();
  await page.getByRole('option', { name: 'Expiring' }).click();
  await row(portal, endless.key_prefix).waitFor({ state: 'detached' });
  expect(page.url()).toContain('finding=expiring');
  await page.getByLabel('Expiring within (days)').fill('2');
  await page.getByText('No active key needs attention.').waitFor();
  await page.getByLabel('Expiring within (days)').fill('');
  await row(portal, ending.key_prefix).getByRole('link').click();
  await page.getByRole('dialog').getByText(ending.user_id).first().waitFor();
  expect(await page.content()).not.toContain(ending.key);
  await portal.close();
});

test('scopes that no gateway asks for are named, and before that the day from which on they can be', async () => {
  const place = { organization_id: 'org_scopes', ttl_seconds: 90 * 86_400 };
  const key = await mint(broker, { ...place, scopes: ['read', 'invoices:write', 'admin'] });
  await verify(broker, key.key, { scopes: ['read'] });
  await broker.settleUsage();
  await watchAskedScopes({ db: broker.db });
  await backdate(broker, key, 40);
  const portal = await openAs(root.email, '/hygiene?finding=scope_unasked');
  await portal.page
    .getByText(/are recorded since .+\. The first unasked ones can be named in 29 days/)
    .waitFor();
  await portal.page.getByText('No active key needs attention.').waitFor();
  await sql`UPDATE scope_records SET since = since - interval '31 days'`.execute(broker.db);
  await portal.page.reload();
  await row(portal, key.key_prefix).getByText('No gateway asks for invoices:write, admin').waitFor();
  await row(portal, key.key_prefix).getByText('Scope unasked').waitFor();
  expect(await portal.page.getByText('are recorded since').count()).toBe(0);
  await portal.page.getByLabel('Scope unasked for (days)').fill('35');
  await portal.page.getByText(/The first unasked ones can be named in 3 days/).waitFor();
  await portal.close();
});

test('on a phone in dark colours each key is a card', async () => {
  const cookie = await sessionCookie(broker.url, root.email);
  const window = { width: 360, height: 780, colorScheme: 'dark' } as const;
  const portal = await openPortal(browser, broker.url, '/hygiene', window, [cookie]);
  const { page } = portal;
  await row(portal, ending.key_prefix).waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(window.width);
  await portal.look('narrow-dark-hygiene');
  await portal.close();
});

test('who may not read hidden keys is not offered the page', async () => {
  const reader = await platformUserWith(broker, root, ['platform:keys:read']);
  const portal = await openAs(reader.email, '/hygiene');
  await portal.page.getByText('You do not have permission to access this resource.').waitFor();
  expect(await portal.page.getByRole('navigation').getByRole('link', { name: 'Hygiene' }).count()).toBe(0);
  await portal.close();
});
