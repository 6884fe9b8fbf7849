import { expect, test } from 'vitest';
import { platformPermissions } from '../../src/domain/permission.ts';
import { platformUser } from '../support/platform-users.ts';
import { field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const rolesPath = '/api/v1/platform/roles';
const rolesAs = (email: string) => openAs(email, '/roles', 'Roles');

const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

const call = (operation: string, body?: unknown) =>
  broker.call(operation, { as: null, headers: root.headers, ...(body !== undefined && { body }) });

async function roleWith(name: string, permissions: string[]): Promise<string> {
  const { status, body } = await call(`POST ${rolesPath}`, { name, permissions });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id;
}

test('each role shows what it reads and manages, the built-in ones first and for looking only', async () => {
  await roleWith('Auditors', ['platform:audit:read', 'platform:audit:manage']);
  const portal = await rolesAs(root.email);
  const { page } = portal;
  await row(portal, 'Auditors').waitFor();
  expect(await page.getByRole('columnheader').allTextContents()).toEqual([
    'Role',
    'Users',
    'API keys',
    'Hidden keys',
    'Tenants',
    'Inside tenants',
    'Roles',
    'Audit',
    'Events',
    'Actions',
  ]);
  const cellsOf = async (name: string) =>
    (await row(portal, name).getByRole('cell').allTextContents()).slice(1, -1);
  expect(await cellsOf('super-admin')).toEqual(Array(8).fill('Read, Manage'));
  expect(await cellsOf('read-only')).toEqual(['—', ...Array(7).fill('Read')]);
  expect(await cellsOf('Auditors')).toEqual([...Array(6).fill('—'), 'Read, Manage', '—']);
  expect(await row(portal, 'super-admin').getByText('Built in').count()).toBe(1);
  expect(await row(portal, 'super-admin').getByRole('button').count()).toBe(0);
  await portal.look('roles');
  await portal.close();
});

test('a super-admin creates one of all there is, changes it and deletes it', async () => {
  const portal = await rolesAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Create Role' }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill('Support');
  await dialog.getByLabel('Description').fill('Who answers the telephone');
  await dialog.getByRole('button', { name: 'Create Role' }).click();
  await dialog.getByText('choose at least one').waitFor();
  expect(await dialog.getByRole('checkbox').count()).toBe(platformPermissions.length);
  for (const box of await dialog.getByRole('checkbox').all()) await box.check();
  await portal.look('create-role');
  await dialog.getByRole('button', { name: 'Create Role' }).click();
  await row(portal, 'Support').getByText('Custom').waitFor();
  const made = (await call(`GET ${rolesPath}`)).body.find(
    (role: { name: string }) => role.name === 'Support',
  );
  expect([...made.permissions].sort()).toEqual([...platformPermissions].sort());

  await page.getByRole('button', { name: 'Edit Support' }).click();
  await field(dialog, 'name').fill('First line');
  for (const box of await dialog.getByRole('checkbox', { name: /^Manage/ }).all()) await box.uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await row(portal, 'First line').waitFor();
  expect(await row(portal, 'First line').getByText('Manage').count()).toBe(0);
  expect(await row(portal, 'First line').textContent()).toContain('Who answers the telephone');

  await page.getByRole('button', { name: 'Delete First line' }).click();
  await portal.look('delete-role');
  await dialog.getByRole('button', { name: 'Delete First line' }).click();
  await row(portal, 'First line').waitFor({ state: 'detached' });
  await portal.close();
});

test('saving a name leaves permissions that somebody else took away meanwhile taken away; of nothing, nothing is sent', async () => {
  const id = await roleWith('Auditing', ['platform:audit:read', 'platform:audit:manage']);
  const portal = await rolesAs(root.email);
  const { page } = portal;
  const dialog = page.getByRole('dialog');
  const save = async () => {
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await page.getByRole('button', { name: 'Edit Auditing' }).click();
  await save();
  await page.getByRole('button', { name: 'Edit Auditing' }).click();
  await field(dialog, 'name').fill('Reading the log');
  const permissions = ['platform:audit:read'];
  expect((await call(`PUT ${rolesPath}/${id}`, { permissions })).status).toBe(200);
  await save();
  const roles = (await call(`GET ${rolesPath}`)).body;
  expect(roles).toContainEqual(expect.objectContaining({ id, name: 'Reading the log', permissions }));
  await portal.close();
});

test('a name that is taken is said at the name, and a role that somebody holds stays', async () => {
  const held = await roleWith('Held', ['platform:keys:read']);
  await platformUser(broker, root, [held]);
  const portal = await rolesAs(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Create Role' }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill('HELD');
  await dialog.getByLabel('Read Users').check();
  await dialog.getByRole('button', { name: 'Create Role' }).click();
  await dialog.getByText('A role with this name exists already.').waitFor();
  expect(await field(dialog, 'name').getAttribute('aria-invalid')).toBe('true');
  await portal.look('create-role-refused');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Delete Held' }).click();
  await dialog.getByRole('button', { name: 'Delete Held' }).click();
  await dialog.getByText('This role is still in use.').waitFor();
  await portal.close();
});

test('nobody is offered a permission they do not hold, nor a role that has one; the server refuses it at the field', async () => {
  const own = ['platform:roles:read', 'platform:roles:manage', 'platform:audit:read', 'platform:keys:read'];
  const ownRole = await roleWith('Keeper of roles', own);
  await roleWith('More than the keeper', ['platform:users:manage']);
  await roleWith('Less than the keeper', ['platform:keys:read']);
  const keeper = await platformUser(broker, root, [ownRole]);
  const portal = await rolesAs(keeper.email);
  const { page } = portal;
  await row(portal, 'More than the keeper').waitFor();
  expect(await row(portal, 'More than the keeper').getByRole('button').count()).toBe(0);
  expect(await row(portal, 'Less than the keeper').getByRole('button').allTextContents()).toEqual([
    'Edit',
    'Delete',
  ]);
  await page.getByRole('button', { name: 'Create Role' }).click();
  const dialog = page.getByRole('dialog');
  const boxes = await dialog.getByRole('checkbox').all();
  const offered = await Promise.all(boxes.map((box) => box.getAttribute('aria-label')));
  expect(offered).toEqual(['Read API keys', 'Read Roles', 'Manage Roles', 'Read Audit']);
  await field(dialog, 'name').fill('Given in between');
  await dialog.getByLabel('Read Audit').check();
  const permissions = own.filter((permission) => permission !== 'platform:audit:read');
  expect((await call(`PUT ${rolesPath}/${ownRole}`, { permissions })).status).toBe(200);
  await dialog.getByRole('button', { name: 'Create Role' }).click();
  await dialog.getByText('holds one that you may not grant').waitFor();
  await portal.look('role-not-held');
  await portal.close();
});

test.each([
  ['an admin', 'role_platform_operator'],
  ['read-only', 'role_platform_viewer'],
])('%s sees every role and is offered no change', async (_, role) => {
  await roleWith(`Seen by ${role}`, ['platform:keys:read']);
  const other = await platformUser(broker, root, [role]);
  const portal = await rolesAs(other.email);
  await row(portal, `Seen by ${role}`).waitFor();
  expect(await portal.page.getByRole('button', { name: /^(Create|Edit|Delete)/ }).count()).toBe(0);
  await portal.close();
});
