import { describe, expect, test } from 'vitest';
import { callAs, created } from '../support/api-keys.ts';
import { platformUserWith } from '../support/platform-users.ts';
import { bearer, row, statusOf } from './api-key-steps.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const keysAs = (email: string, view = '/api-keys') => openAs(email, view, 'API Keys');

const newKey = (name: string) =>
  created(broker, root.headers, {
    name,
    platform: true,
    description: 'Looked at closely',
    scopes: ['read', 'reports'],
    expires_at: null,
  });

describe('Viewing Key Details', () => {
  test('Click a key: full configuration, scopes, and usage history as a chart', async () => {
    const { id, key, prefix } = await newKey('Looked at');
    await statusOf(broker, bearer(key));
    await broker.settleUsage();
    const portal = await keysAs(root.email);
    const { page } = portal;
    await page.getByRole('button', { name: 'Looked at', exact: true }).click();
    await page.getByRole('img', { name: 'Calls and refusals by day' }).locator('svg').first().waitFor();
    const dialog = page.getByRole('dialog');
    const shown = async (label: string) =>
      dialog
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: label, exact: true }) })
        .getByRole('cell')
        .textContent();
    expect(await shown('Description')).toBe('Looked at closely');
    expect(await shown('Key')).toContain(`${prefix}…`);
    expect(await shown('Id')).toBe(id);
    expect(await shown('Kind')).toBe('Platform key');
    expect(await shown('Scopes')).toBe('readreports');
    expect(await shown('Roles')).toBe('super-admin');
    expect(await shown('Status')).toBe('Active');
    expect(await shown('Expires')).toBe('Never');
    expect(await shown('Calls')).toBe('1 in all, 1 today');
    expect(await shown('Refused')).toBe('0');
    await dialog.getByText('1 calls and 0 refusals.').waitFor();
    await portal.look('api-key-details');
    await dialog.getByText('Last 24 hours').click();
    await page.getByRole('img', { name: 'Calls and refusals by hour' }).waitFor();
    expect(page.url()).toContain(`key=${id}`);
    await portal.close();
  });

  test('what was last done to it, and the way to all of it in the audit log', async () => {
    const { id } = await newKey('Audited');
    const other = await newKey('Another one');
    await callAs(broker, root.headers, `POST /api/v1/apikeys/${id}/revoke`, {});
    const portal = await keysAs(root.email, `/api-keys?key=${id}`);
    const { page } = portal;
    const events = page.getByRole('table', { name: 'Recent audit events' }).locator('tbody tr');
    await events.first().waitFor();
    await events.first().getByText('Root revoked the platform key Audited.').waitFor();
    const texts = await events.locator('td:nth-child(2)').allTextContents();
    expect(texts).toEqual([
      'Root revoked the platform key Audited.platform.key.revoked',
      'Root created the platform key Audited.platform.key.created',
    ]);
    const actor = `Root${root.id}`;
    expect(await events.locator('td:nth-child(3)').allTextContents()).toEqual([actor, actor]);
    await page.getByRole('link', { name: 'All in Audit' }).click();
    await page.getByRole('heading', { name: 'Audit', exact: true }).waitFor();
    expect(page.url()).toContain(`/audit?target_id=${id}`);
    expect(await page.getByLabel('Target').inputValue()).toBe(id);
    await row(portal, 'platform.key.revoked').waitFor();
    expect(await page.locator('tbody tr').count()).toBe(2);
    await page.getByLabel('Target').fill(other.id);
    await page.keyboard.press('Enter');
    await row(portal, other.id).waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
    await portal.look('audit-of-one-key');
    await portal.close();
  });

  test('who may not read the audit log sees the key without it, and their page does not ask', async () => {
    const { id } = await newKey('Without its events');
    const reader = await platformUserWith(broker, root, ['platform:keys:read']);
    const portal = await keysAs(reader.email);
    const { page } = portal;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('button', { name: 'Without its events', exact: true }).click();
    await page.getByText('0 calls and 0 refusals.').waitFor();
    expect(asked.some((url) => url.includes(id))).toBe(true);
    expect(asked.filter((url) => url.includes('/audit'))).toEqual([]);
    expect(await page.getByText('Recent audit events').count()).toBe(0);
    await portal.close();
  });
});
