import { expect, test } from 'vitest';
import { register, verifiersPath } from '../http/verifiers/verifier-calls.ts';
import { keysPath, mint } from '../support/keys.ts';
import { platformUser } from '../support/platform-users.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const hiddenKeysAs = (email: string, view = '/hidden-keys') => openAs(email, view, 'Hidden Keys');

const row = ({ page }: Portal, text: string) => page.getByRole('row').filter({ hasText: text });
const verdictOf = async (key: string) =>
  (await broker.call(`POST ${keysPath}/verify`, { body: { key } })).body.code as string;

test('a key is found by its user and by how it begins, and its secret is nowhere', async () => {
  const [wanted, other] = [await mint(broker), await mint(broker)];
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await row(portal, other.key_prefix).waitFor();
  await portal.look('hidden-keys');
  await page.getByLabel('Search').fill(wanted.key_prefix);
  await row(portal, other.key_prefix).waitFor({ state: 'detached' });
  await row(portal, wanted.key_prefix).waitFor();
  await page.goto(`${broker.url}/platform/hidden-keys?user_id=${other.user_id}`);
  await row(portal, other.key_prefix).waitFor();
  expect(await page.content()).not.toContain(other.key);
  await portal.close();
});

test('who pastes a whole key finds it, and its secret is in no address', async () => {
  const { key, key_prefix } = await mint(broker);
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  const answered = page.waitForResponse((response) => response.url().includes('prefix='));
  await page.getByLabel('Search').fill(key);
  expect(await page.getByLabel('Search').inputValue()).toBe(key_prefix);
  await answered;
  await page.waitForURL(`**/hidden-keys?prefix=${key_prefix}`);
  await row(portal, key_prefix).waitFor();
  const hidden = key.slice(key_prefix.length);
  expect(addresses.some((address) => address.includes(key_prefix))).toBe(true);
  expect([...addresses, page.url()].filter((address) => address.includes(hidden))).toEqual([]);
  await portal.close();
});

test('the same search finds a user and an id, and rows have the names of key and organization', async () => {
  const wanted = await mint(broker, { name: 'The app of a phone' });
  const other = await mint(broker);
  await broker.call(`PATCH /api/v1/platform/tenants/${wanted.organization_id}`, {
    as: null,
    headers: root.headers,
    body: { name: 'Acme Ltd' },
  });
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  for (const text of [wanted.user_id, wanted.key_id]) {
    await page.getByLabel('Search').fill('');
    await row(portal, other.key_prefix).waitFor();
    await page.getByLabel('Search').fill(text);
    await row(portal, other.key_prefix).waitFor({ state: 'detached' });
    const cells = await row(portal, wanted.key_prefix).getByRole('cell').allTextContents();
    expect(cells[1]).toBe('The app of a phone');
    expect(cells[3]).toBe(`Acme Ltd${wanted.organization_id}`);
  }
  await page.getByLabel('Search').fill('');
  await page.getByRole('combobox', { name: 'Organization' }).fill('acme');
  await page.getByRole('option', { name: 'Acme Ltd' }).click();
  await row(portal, other.key_prefix).waitFor({ state: 'detached' });
  expect(page.url()).toContain(`organization_id=${wanted.organization_id}`);
  await portal.close();
});

test('its details have a link of their own: full configuration, limits, usage and recent audit events, no secret', async () => {
  const minted = await mint(broker, {
    name: 'The app of a phone',
    scopes: ['chat', 'images'],
    metadata: { plan: 'gold' },
    rate_limit: { limit: 100, window_seconds: 60, on_unavailable: 'allow' },
    quota: { limit: 5000, period: 'month', on_unavailable: 'deny' },
    ip_allowlist: ['192.0.2.0/24'],
  });
  await broker.call(`POST ${keysPath}/verify`, { body: { key: minted.key, ip: '192.0.2.7' } });
  await broker.call(`POST ${keysPath}/verify`, { body: { key: minted.key, ip: '198.51.100.7' } });
  await broker.settleUsage();
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `${minted.key_prefix}…` }).click();
  await page.waitForURL(`**/hidden-keys?key=${minted.key_id}`);
  const dialog = page.getByRole('dialog');
  await dialog.getByText('1 calls and 1 refusals.').waitFor();
  const shown = async (label: string) =>
    dialog
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: label, exact: true }) })
      .getByRole('cell')
      .textContent();
  expect(await shown('Name')).toBe('The app of a phone');
  expect(await shown('Id')).toBe(minted.key_id);
  expect(await shown('User')).toBe(minted.user_id);
  expect(await shown('Organization')).toBe(minted.organization_id);
  expect(await shown('Scopes')).toBe('chatimages');
  expect(JSON.parse((await shown('Metadata')) ?? '')).toEqual({ plan: 'gold' });
  expect(await shown('Rate limit')).toBe('100 in 60 s; not limited while it cannot be counted');
  expect(await shown('Quota')).toBe('5,000 a month; refused while it cannot be counted');
  expect(await shown('IP addresses')).toBe('192.0.2.0/24');
  expect(await shown('Status')).toBe('Active');
  expect(await shown('Calls')).toBe('1 in all, 1 today');
  expect(await shown('Refused')).toBe('1');
  await page.getByRole('img', { name: 'Calls and refusals by day' }).locator('svg').first().waitFor();
  const events = page.getByRole('table', { name: 'Recent audit events' });
  await events.getByText('key.minted').waitFor();
  await portal.look('hidden-key-details');
  expect(await page.content()).not.toContain(minted.key.slice(minted.key_prefix.length));
  await page.reload();
  await events.getByText('key.minted').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.waitForURL('**/hidden-keys');
  await portal.close();
});

test('its last refusals stand in its details, and a request is explained check by check', async () => {
  const minted = await mint(broker, { scopes: ['chat'], ip_allowlist: ['192.0.2.0/24'] });
  const { id: gateway, secret: as } = await broker.createMasterKey({ permissions: ['keys:verify'] });
  const body = { key: minted.key, ip: '198.51.100.7' };
  await broker.call(`POST ${keysPath}/verify`, { as, body, headers: { 'x-request-id': 'trace-of-mine' } });
  await broker.api.flushUsage();
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await hiddenKeysAs(viewer.email, `/hidden-keys?key=${minted.key_id}`);
  const { page } = portal;
  const refusals = page.getByRole('table', { name: 'Last refusals' });
  await refusals.getByText('trace-of-mine').waitFor();
  const [, code, where, request, through, address] = await refusals
    .getByRole('row')
    .filter({ hasText: 'trace-of-mine' })
    .getByRole('cell')
    .allTextContents();
  expect([code, where, request]).toEqual(['IP_NOT_ALLOWED', 'Verify', 'trace-of-mine']);
  expect([through, address]).toEqual([gateway, '198.51.100.7']);

  await page.getByLabel('Address').fill('198.51.100.7');
  await page.getByLabel('Scopes').fill('chat, images');
  await page.keyboard.press('Enter');
  await page.getByText('Refused: IP_NOT_ALLOWED').waitFor();
  const checks = page.getByRole('table', { name: 'Checks' });
  const cells = (check: string) =>
    checks
      .getByRole('row')
      .filter({ has: page.getByRole('cell', { name: check, exact: true }) })
      .getByRole('cell')
      .allTextContents();
  expect(await cells('IP_NOT_ALLOWED')).toEqual(['IP_NOT_ALLOWED', 'Failed', '198.51.100.7', '192.0.2.0/24']);
  expect(await cells('INSUFFICIENT_SCOPE')).toEqual(['INSUFFICIENT_SCOPE', 'Failed', 'chat, images', 'chat']);
  await portal.look('hidden-key-explained');
  await page.getByLabel('Address').fill('192.0.2.7');
  await page.getByLabel('Scopes').fill('');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('Accepted: VALID').waitFor();
  await page.getByRole('textbox', { name: 'Environment' }).fill('Not a name');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByText('environment: must be 1 to 16 of a-z 0-9').waitFor();
  await portal.close();
});

test('a key that was never refused says so', async () => {
  const minted = await mint(broker);
  const portal = await hiddenKeysAs(root.email, `/hidden-keys?key=${minted.key_id}`);
  await portal.page.getByText('It was not refused in the last seven days.').waitFor();
  await portal.close();
});

test('one is revoked, by name, and stops at once', async () => {
  const { key, key_prefix } = await mint(broker);
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Revoke ${key_prefix}` }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke ${key_prefix}` })
    .click();
  await page.getByText('No verifier anywhere accepts it any more.').waitFor();
  expect(await verdictOf(key)).toBe('REVOKED');
  await portal.close();
});

test('while a verifier has stopped, a revoke says that it is not certain everywhere yet', async () => {
  const { key, key_prefix } = await mint(broker);
  // Takes part, holds a lease, and never says that it has heard of anything.
  const { verifier_id } = await register(broker);
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Revoke ${key_prefix}` }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke ${key_prefix}` })
    .click();
  await page.getByText(/not everywhere yet$/).waitFor();
  await page
    .getByText(
      /^Some verifier could not be reached\. It is certain by \S+ at the latest\. It waits for flm_\w+\.$/,
    )
    .waitFor();
  expect(await page.getByText('No verifier anywhere accepts it any more.').count()).toBe(0);
  expect(await verdictOf(key)).toBe('REVOKED');
  await broker.call(`DELETE ${verifiersPath}/${verifier_id}`);
  await portal.close();
});

test('all keys of a user are revoked together, after the dialog has said how many, where, and when they were used', async () => {
  const { key, key_prefix, user_id } = await mint(broker, { organization_id: 'org_one' });
  const other = await mint(broker, { user_id, organization_id: 'org_two' });
  await verdictOf(other.key);
  await broker.settleUsage();
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `More for ${key_prefix}` }).click();
  await page.getByRole('menuitem', { name: `Revoke all keys of ${user_id}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('2 that can still be accepted').waitFor();
  await dialog.getByRole('alert').getByText('Still in use').waitFor();
  const facts = await dialog.getByRole('row').allTextContents();
  expect(facts.slice(0, 2)).toEqual([`User${user_id}`, 'Keys2 that can still be accepted']);
  expect(facts[2]).toMatch(/^Organizations(org_oneorg_two|org_twoorg_one)$/);
  expect(facts[3]).toMatch(/^Last used(now|\d+ (second|minute)s? ago)$/);
  await portal.look('revoke-all');
  await dialog.getByRole('button', { name: `Revoke all keys of ${user_id}` }).click();
  await page.getByText('2 API keys revoked').waitFor();
  expect([await verdictOf(key), await verdictOf(other.key)]).toEqual(['REVOKED', 'REVOKED']);
  await portal.close();
});

test('read-only sees them and is offered no change', async () => {
  const { key_prefix } = await mint(broker);
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await hiddenKeysAs(viewer.email);
  await row(portal, key_prefix).waitFor();
  expect(await portal.page.getByRole('button', { name: /^Revoke/ }).count()).toBe(0);
  await portal.close();
});
