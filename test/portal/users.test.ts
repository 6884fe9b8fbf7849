import { describe, expect, test } from 'vitest';
import { logIn, platformUser } from '../support/platform-users.ts';
import { field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

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
    const ascending = [...(await emails())].sort((one, other) =>
      one.localeCompare(other, undefined, { sensitivity: 'base', numeric: true }),
    );
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

test('Editing a User changes display name, roles and status', async () => {
  const other = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await usersAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Edit ${other.email}` }).click();
  const dialog = page.getByRole('dialog');
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

test('Resetting a Password sets a new one', async () => {
  const other = await platformUser(broker, root);
  const portal = await usersAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: `Reset Password ${other.email}` }).click();
  await portal.look('reset-password');
  const dialog = page.getByRole('dialog');
  await field(dialog, 'password').fill('a password that nobody has');
  await dialog.getByRole('button', { name: 'Reset Password' }).click();
  await dialog.waitFor({ state: 'detached' });
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

describe('Role Permissions', () => {
  const offers = async (portal: Portal, name: string | RegExp) =>
    portal.page.getByRole('button', { name }).count();

  test('a super-admin is offered everything, but not to reset or delete themselves', async () => {
    const other = await platformUser(broker, root);
    const portal = await usersAs(root.email);
    await row(portal, other.email).waitFor();
    expect(await row(portal, other.email).getByRole('button').allTextContents()).toEqual([
      'Edit',
      'Reset Password',
      'Delete',
    ]);
    expect(await row(portal, root.email).getByRole('button').allTextContents()).toEqual(['Edit']);
    await portal.close();
  });

  test('an admin views and edits, and is offered neither to create, nor to reset, nor to delete', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const portal = await usersAs(admin.email);
    await row(portal, root.email).waitFor();
    expect(await offers(portal, /^Edit /)).toBeGreaterThan(1);
    for (const name of [/Create User/, /^Reset Password/, /^Delete/])
      expect(await offers(portal, name)).toBe(0);
    await portal.look('users-admin');
    await portal.close();
  });

  test('read-only does not find Users in the navigation, and the server refuses them at the address', async () => {
    const viewer = await platformUser(broker, root, ['role_platform_viewer']);
    const portal = await usersAs(viewer.email, '/users');
    const { page } = portal;
    await page.getByText('You do not have permission to access this resource.').waitFor();
    expect(await page.getByRole('navigation').getByRole('link', { name: 'Users' }).count()).toBe(0);
    await portal.look('users-read-only');
    await portal.close();
  });
});
