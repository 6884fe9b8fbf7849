import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { logIn, platformUser, platformUserWith } from '../support/platform-users.ts';
import { field, labels, type Portal } from './browser.ts';
import { openSite } from './site.ts';
import { overhear } from './whereabouts.ts';

const { broker, root, openAs } = await openSite();

const usersAs = (email: string, view = '/users') => openAs(email, view);

const row = ({ page }: Portal, email: string) => page.getByRole('row').filter({ hasText: email });

describe('Users List', () => {
  test('each user shows Email, Display Name, Roles, Status, Last Login and Actions', async () => {
    const other = await platformUser(broker, root, ['role_platform_operator', 'role_platform_viewer']);
    const portal = await usersAs(root.email);
    const { page } = portal;
    await row(portal, other.email).getByText('read-only').waitFor();
    expect(await page.getByRole('columnheader').allTextContents()).toEqual([
      'Email ↑',
      'Display Name ↕',
      'Roles',
      'Status ↕',
      'Last Login ↕',
      'Actions',
    ]);
    const cells = await row(portal, other.email).getByRole('cell').allTextContents();
    expect(cells.slice(0, 4)).toEqual([other.email, 'User', 'adminread-only', 'Active']);
    expect(cells[4]).toMatch(/^(now|\d+ seconds? ago)$/);
    await portal.look('users');
    await portal.close();
  });

  test('the exact time of the last login, in UTC too, shows on hover', async () => {
    const portal = await usersAs(root.email);
    await row(portal, root.email).locator('time').hover();
    const tooltip = await portal.page.getByRole('tooltip').textContent();
    expect(tooltip).toMatch(/2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ UTC$/);
    await portal.close();
  });

  test('can be searched and sorted, and the address says how', async () => {
    const other = await platformUser(broker, root);
    const portal = await usersAs(root.email, '/users?sort=email&order=desc');
    const { page } = portal;
    const emails = () => page.locator('tbody tr td:first-child').allTextContents();
    await row(portal, root.email).waitFor();
    const ascending = [...(await emails())].sort();
    expect(await emails()).toEqual([...ascending].reverse());
    await page.getByRole('button', { name: 'Email' }).click();
    await page.waitForURL('**/users?sort=email');
    await expect.poll(emails).toEqual(ascending);
    await page.getByLabel('Search').fill('ROOT@');
    await row(portal, other.email).waitFor({ state: 'detached' });
    expect(await page.getByRole('row').count()).toBe(2);
    expect(page.url()).toContain('search=ROOT%40');
    await page.getByLabel('Search').fill('nobody at all');
    await page.getByText('No user matches').waitFor();
    await portal.close();
  });

  test('of more users than a page, the server finds, sorts and pages: no one is left out', async () => {
    const portal = await usersAs(root.email);
    const { page } = portal;
    await row(portal, root.email).waitFor();
    await sql`INSERT INTO platform_users
        (id, email, email_key, name, password_hash, role_ids, is_active, created_at, updated_at)
      SELECT 'puser_crowd' || lpad(n::text, 12, '0'), mail, mail, 'Crowd ' || (2000 - n), '', '{}', true, now(), now()
      FROM (SELECT n, 'crowd' || n || '@example.com' AS mail FROM generate_series(1001, 1060) AS n) AS crowd
    `.execute(broker.db);
    const names = () => page.locator('tbody tr td:nth-child(2)').allTextContents();
    const shown = () => expect.poll(names);
    const crowd = (from: number, length: number) =>
      Array.from({ length }, (_, index) => `Crowd ${from + index}`);
    try {
      await page.goto(`${broker.url}/platform/users?search=crowd&sort=name`);
      await shown().toEqual(crowd(940, 50));
      await page.getByRole('button', { name: 'Next page' }).click();
      await shown().toEqual(crowd(990, 10));
      await page.getByRole('button', { name: 'Display Name' }).click();
      await shown().toEqual(crowd(950, 50).reverse());
      await page.getByLabel('Search').fill('CROWD 941');
      await shown().toEqual(['Crowd 941']);
    } finally {
      await sql`DELETE FROM platform_users WHERE email LIKE 'crowd%'`.execute(broker.db);
    }
    await portal.close();
  });
});

describe('Creating a User', () => {
  test('takes Email, Display Name, Password and Roles, all required', async () => {
    const portal = await usersAs(root.email);
    const { page } = portal;
    await page.getByRole('button', { name: 'Create User' }).click();
    const dialog = page.getByRole('dialog');
    for (const name of ['email', 'name', 'password']) {
      expect(await field(dialog, name).getAttribute('required'), name).not.toBeNull();
    }
    expect(await labels(dialog)).toEqual(['Email *', 'Display Name *', 'Password *', 'Roles *']);
    await portal.look('create-user');
    await field(dialog, 'email').fill('ann@example.com');
    await field(dialog, 'name').fill('Ann');
    await field(dialog, 'password').fill('a password that nobody has');
    await dialog.getByRole('button', { name: 'Create User' }).click();
    await dialog.getByText('choose at least one').waitFor();
    await dialog.getByLabel('read-only').check();
    await dialog.getByRole('button', { name: 'Create User' }).click();
    await row(portal, 'ann@example.com').getByText('read-only').waitFor();
    await logIn(broker, 'ann@example.com', 'a password that nobody has');
    await portal.close();
  });

  test('shows what the server refuses at the field', async () => {
    const portal = await usersAs(root.email);
    const { page } = portal;
    await page.getByRole('button', { name: 'Create User' }).click();
    const dialog = page.getByRole('dialog');
    await field(dialog, 'email').fill(root.email);
    await field(dialog, 'name').fill('Twice');
    await field(dialog, 'password').fill('short');
    await dialog.getByLabel('admin', { exact: true }).check();
    await dialog.getByRole('button', { name: 'Create User' }).click();
    await dialog.getByText('must have at least 15 characters').waitFor();
    await field(dialog, 'password').fill('a password that nobody has');
    await dialog.getByRole('button', { name: 'Create User' }).click();
    await dialog.getByText('in use').or(dialog.getByText('already')).first().waitFor();
    await portal.look('create-user-refused');
    await portal.close();
  });
});

test('Editing a User changes Display Name, Roles and Status', async () => {
  const other = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await usersAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Edit ${other.email}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Save' }).waitFor();
  expect(await labels(dialog)).toEqual(['Display Name *', 'Roles *']);
  await field(dialog, 'name').fill('Renamed');
  await dialog.getByLabel('admin', { exact: true }).check();
  await dialog.getByRole('switch', { name: 'Active' }).press('Space');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row(portal, other.email).getByText('Inactive').waitFor();
  expect(await row(portal, other.email).textContent()).toContain('Renamed');
  const { body } = await broker.call(`GET /api/v1/platform/users/${other.id}`, {
    as: null,
    headers: root.headers,
  });
  expect(body).toMatchObject({
    name: 'Renamed',
    is_active: false,
    role_ids: ['role_platform_viewer', 'role_platform_operator'],
  });
  await portal.close();
});

test('Saving a name leaves a deactivation and a demotion by others as they are, and asks for no confirmation', async () => {
  const [editor, other] = [
    await platformUser(broker, root),
    await platformUser(broker, root, ['role_platform_operator']),
  ];
  const portal = await usersAs(editor.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Edit ${other.email}` }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill('Renamed in between');
  const path = `/api/v1/platform/users/${other.id}`;
  const as = { as: null, headers: root.headers };
  const meanwhile = { is_active: false, role_ids: ['role_platform_viewer'] };
  expect((await broker.call(`PUT ${path}`, { ...as, body: meanwhile })).status).toBe(200);
  await broker.db
    .updateTable('platform_sessions')
    .set({ confirmed_at: new Date(Date.now() - 11 * 60_000) })
    .where('user_id', '=', editor.id)
    .execute();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { body } = await broker.call(`GET ${path}`, as);
  expect(body).toMatchObject({ ...meanwhile, name: 'Renamed in between' });
  await portal.close();
});

test('who may not read roles sees the users without an error, and is offered the own roles by id', async () => {
  const permissions = ['platform:users:read', 'platform:users:manage'];
  const keeper = await platformUserWith(broker, root, permissions);
  const portal = await openAs(keeper.email, '/account', 'Account');
  const { page } = portal;
  const refused: string[] = [];
  page.on('response', (response) => void (response.status() === 403 && refused.push(response.url())));
  await page.getByRole('link', { name: 'Users', exact: true }).click();
  await page.getByRole('button', { name: `Edit ${keeper.email}` }).click();
  const dialog = page.getByRole('dialog');
  const roles = dialog.getByRole('checkbox');
  await roles.first().waitFor();
  expect(await roles.count()).toBe(1);
  expect(await roles.isChecked()).toBe(true);
  await field(dialog, 'name').fill('Keeper');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row(portal, keeper.email).getByRole('cell', { name: 'Keeper', exact: true }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(refused).toEqual([]);
  await portal.close();
});

test('Resetting a Password sets a new one, which the page does not keep', async () => {
  const other = await platformUser(broker, root);
  const portal = await usersAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Reset Password ${other.email}` }).click();
  await portal.look('reset-password');
  const dialog = page.getByRole('dialog');
  await field(dialog, 'password').fill('a password that nobody has');
  await dialog.getByRole('button', { name: 'Reset Password' }).click();
  await dialog.waitFor({ state: 'detached' });
  await (await overhear(portal)).expectForgotten('a password that nobody has');
  await logIn(broker, other.email, 'a password that nobody has');
  await portal.close();
});

test('Deleting a User asks first, by name, and then the row is gone', async () => {
  const other = await platformUser(broker, root);
  const portal = await usersAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Delete ${other.email}` }).click();
  await page.getByRole('heading', { name: `Delete ${other.email}?` }).waitFor();
  await portal.look('delete-user');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Delete ${other.email}` })
    .click();
  await row(portal, other.email).waitFor({ state: 'detached' });
  const { status } = await broker.call(`GET /api/v1/platform/users/${other.id}`, {
    as: null,
    headers: root.headers,
  });
  expect(status).toBe(404);
  await portal.close();
});
