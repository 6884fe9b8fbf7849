import { expect, test } from 'vitest';
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
  await page.getByLabel('Begins with').fill(wanted.key_prefix);
  await page.keyboard.press('Enter');
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
  await page.getByLabel('Begins with').fill(key);
  await page.keyboard.press('Enter');
  await answered;
  await page.waitForURL(`**/hidden-keys?prefix=${key_prefix}`);
  await row(portal, key_prefix).waitFor();
  const hidden = key.slice(key_prefix.length);
  expect(addresses.some((address) => address.includes(key_prefix))).toBe(true);
  expect([...addresses, page.url()].filter((address) => address.includes(hidden))).toEqual([]);
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

test('all keys of a user are revoked together', async () => {
  const { key, user_id } = await mint(broker);
  const portal = await hiddenKeysAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Revoke all keys of ${user_id}` }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Revoke all keys of ${user_id}` })
    .click();
  await page.getByText('1 API key revoked').waitFor();
  expect(await verdictOf(key)).toBe('REVOKED');
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
