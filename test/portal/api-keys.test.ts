import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { platformKey, tenantKey } from '../support/operators.ts';
import { platformUser } from '../support/platform-users.ts';
import { everythingKept, field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const keysAs = (email: string, view = '/api-keys') => openAs(email, view, 'API Keys');

const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

async function choose(portal: Portal, name: string, action: string): Promise<void> {
  await portal.page.getByRole('button', { name: `Actions for ${name}` }).click();
  await portal.page.getByRole('menuitem', { name: action }).click();
  await portal.page.getByRole('menu').waitFor({ state: 'detached' });
}

const statusOf = async (headers: Record<string, string>) =>
  (await broker.call('GET /api/v1/platform/stats', { as: null, headers })).status;

describe('API Keys List', () => {
  test('four metric cards agree with SQL', async () => {
    const used = await platformKey(broker);
    await statusOf(used.headers);
    await broker.settleUsage();
    await tenantKey(broker, 'org_cards', { name: 'gone', expiresAt: new Date(Date.now() - 1_000) });
    const portal = await keysAs(root.email);
    const expected = Object.entries(await countedRows());
    expect(expected).toHaveLength(4);
    for (const [label, value] of expected) {
      await portal.page.getByRole('region', { name: label }).getByText(value, { exact: true }).waitFor();
    }
    await portal.close();
  });

  test('each key shows name and description, masked key, scopes, last used, expiry and status', async () => {
    const used = await platformKey(broker, undefined, {
      name: 'Nightly report',
      description: 'Counts the users at night',
      scopes: ['read', 'write'],
    });
    await statusOf(used.headers);
    await broker.settleUsage();
    const portal = await keysAs(root.email);
    const cells = row(portal, 'Nightly report').getByRole('cell');
    await cells.first().waitFor();
    expect(await portal.page.getByRole('columnheader').allTextContents()).toEqual([
      'Name',
      'Key',
      'Scopes',
      'Last Used',
      'Expires',
      'Status',
      'Actions',
    ]);
    const [name, key, scopes, lastUsed, expires, status] = await cells.allTextContents();
    expect([name, scopes, expires, status]).toEqual([
      'Nightly reportCounts the users at night',
      'readwrite',
      'Never',
      'Active',
    ]);
    expect(key).toMatch(/^flplatform_\w{8}…\w+$/);
    expect(used.secret).not.toContain(key?.replace('…', ''));
    expect(lastUsed).toMatch(/^(now|\d+ (second|minute)s? ago)$/);
    await portal.look('api-keys');
    await portal.close();
  });

  test('is filtered by name and status, and the address says how', async () => {
    await tenantKey(broker, 'org_filter', { name: 'Old one', expiresAt: new Date(Date.now() - 1_000) });
    const portal = await keysAs(root.email, '/api-keys?status=expired');
    await row(portal, 'Old one').getByText('Expired').waitFor();
    expect(await portal.page.locator('tbody').getByText('Active', { exact: true }).count()).toBe(0);
    await portal.page.getByLabel('Search').fill('nothing has this name');
    await portal.page.getByText('No key on this page passes the filters.').waitFor();
    expect(portal.page.url()).toContain('status=expired&name=nothing+has+this+name');
    await portal.close();
  });

  test('pages: no key is seen twice and none is left out', async () => {
    for (let number = 0; number < 27; number++) {
      await tenantKey(broker, 'org_pages', { name: `paged ${number}` });
    }
    const portal = await keysAs(root.email, '/api-keys?name=paged');
    const names = () => portal.page.locator('tbody tr td:first-child button').allTextContents();
    await expect.poll(async () => (await names()).length).toBe(25);
    const first = await names();
    await portal.page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(async () => (await names()).length).toBe(2);
    expect(new Set([...first, ...(await names())]).size).toBe(27);
    await portal.page.getByRole('button', { name: 'First page' }).click();
    await expect.poll(names).toEqual(first);
    await portal.close();
  });
});

describe('Creating an API Key', () => {
  async function fill(portal: Portal, name: string): Promise<void> {
    const { page } = portal;
    await page.getByRole('button', { name: 'Create API Key' }).click();
    const dialog = page.getByRole('dialog');
    await field(dialog, 'name').fill(name);
    await dialog.getByLabel('Description').fill('Made in a browser');
    await dialog.getByRole('combobox', { name: 'Scopes' }).fill('read');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
  }

  test('takes name, description, scopes and expiration; the key works, and is shown this once', async () => {
    const portal = await keysAs(root.email);
    const { page } = portal;
    const bodies: string[] = [];
    page.on('response', async (response) => {
      if (response.url().includes('/api/')) bodies.push(await response.text().catch(() => ''));
    });
    await fill(portal, 'Shown once');
    await portal.look('create-api-key');
    await page.getByRole('dialog').getByRole('button', { name: 'Create API Key' }).click();
    await page.getByText('It cannot be retrieved later.').waitFor();
    const secret = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
    expect(secret).toMatch(/^flplatform_/);
    await portal.look('api-key-shown-once');
    expect(await statusOf({ authorization: `Bearer ${secret}` })).toBe(200);
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await row(portal, 'Shown once').waitFor();

    await page.reload();
    await row(portal, 'Shown once').waitFor();
    const kept = await page.evaluate(everythingKept);
    expect(kept).not.toContain(secret);
    expect(page.url()).not.toContain(secret);
    expect(bodies.filter((body) => body.includes(secret))).toHaveLength(1);
    await portal.close();
  });

  test('without a scope it is not sent, and neither a slip on Escape nor a click beside loses a secret', async () => {
    const portal = await keysAs(root.email);
    const { page } = portal;
    await page.getByRole('button', { name: 'Create API Key' }).click();
    await field(page.getByRole('dialog'), 'name').fill('Careful');
    await page.getByRole('dialog').getByRole('button', { name: 'Create API Key' }).click();
    expect(await page.getByText('Copy it now').count()).toBe(0);
    await page.getByRole('combobox', { name: 'Scopes' }).fill('admin');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Create API Key' }).click();
    await page.getByText('Copy it now').waitFor();
    await page.keyboard.press('Escape');
    await page.mouse.click(2, 2);
    expect(await page.getByText('Copy it now').isVisible()).toBe(true);
    await portal.close();
  });
});

test('Viewing Key Details shows configuration, scopes and the usage history as a chart', async () => {
  const used = await platformKey(broker, undefined, { name: 'Looked at', scopes: ['read'] });
  await statusOf(used.headers);
  await broker.settleUsage();
  const portal = await keysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Looked at', exact: true }).click();
  await page.getByRole('img', { name: 'Calls and refusals by day' }).locator('svg').first().waitFor();
  await page.getByText('1 calls and 0 refusals.').waitFor();
  expect(await row(portal, 'super-admin').or(row(portal, 'role_platform_admin')).count()).toBeGreaterThan(0);
  await portal.look('api-key-details');
  await page.getByText('Last 24 hours').click();
  await page.getByRole('img', { name: 'Calls and refusals by hour' }).waitFor();
  expect(page.url()).toContain(`key=${used.id}`);
  await portal.close();
});

describe('Ending a key', () => {
  test('Revoke asks by name, and the key stops at once', async () => {
    const key = await platformKey(broker, undefined, { name: 'To revoke' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To revoke', 'Revoke');
    await portal.look('revoke-api-key');
    await portal.page.getByRole('button', { name: 'Revoke To revoke' }).click();
    await portal.page.getByText('No verifier anywhere accepts the key any more.').waitFor();
    expect(await statusOf(key.headers)).toBe(401);
    await portal.page.getByRole('button', { name: 'Close' }).last().click();
    await row(portal, 'To revoke').getByText('Revoked').waitFor();
    await portal.close();
  });

  test('Rotate shows the new key once, and the old one stops at once', async () => {
    const key = await platformKey(broker, undefined, { name: 'To rotate' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To rotate', 'Rotate');
    await portal.page.getByRole('button', { name: 'Rotate To rotate' }).click();
    const secret = (await portal.page.locator('pre').textContent()) ?? '';
    expect(await statusOf(key.headers)).toBe(401);
    expect(await statusOf({ authorization: `Bearer ${secret}` })).toBe(200);
    await portal.close();
  });

  test('Delete asks by name, and the row is gone', async () => {
    const key = await platformKey(broker, undefined, { name: 'To delete' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To delete', 'Delete');
    await portal.page.getByRole('button', { name: 'Delete To delete' }).click();
    await row(portal, 'To delete').waitFor({ state: 'detached' });
    expect(await statusOf(key.headers)).toBe(401);
    await portal.close();
  });
});

test('read-only sees every key and is offered no change', async () => {
  await platformKey(broker, undefined, { name: 'Seen by all' });
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await keysAs(viewer.email);
  await row(portal, 'Seen by all').waitFor();
  expect(await portal.page.getByRole('button', { name: 'Create API Key' }).count()).toBe(0);
  await portal.page.getByRole('button', { name: 'Actions for Seen by all' }).click();
  expect(await portal.page.getByRole('menuitem').allTextContents()).toEqual(['Details']);
  await portal.close();
});

/** What the cards must say, asked of the rows themselves. */
async function countedRows(): Promise<Record<string, string>> {
  const { rows } = await sql<Record<string, string>>`
    SELECT count(*)::text AS "Total Keys",
      count(*) FILTER (WHERE status = 'active' AND (expires_at IS NULL OR expires_at > now()))::text AS "Active Keys",
      count(*) FILTER (WHERE expires_at <= now())::text AS "Expired Keys",
      (SELECT coalesce(sum(calls), 0)::text FROM accepted_calls
        WHERE day = (now() AT TIME ZONE 'UTC')::date) AS "API Calls Today"
    FROM api_keys WHERE kind IN ('tenant', 'platform')`.execute(broker.db);
  return rows[0] ?? {};
}
