import { beforeAll, describe, expect, test } from 'vitest';
import { platformUser } from '../support/platform-users.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

/** With all its answers: what is offered depends on the roles, which may come after the users. */
async function usersAs(email: string, view = '/users'): Promise<Portal> {
  const portal = await openAs(email, view);
  await portal.page.waitForLoadState('networkidle');
  return portal;
}

const row = ({ page }: Portal, email: string) => page.getByRole('row').filter({ hasText: email });

describe('Role Permissions', () => {
  const roles = {
    'super-admin': ['role_platform_admin'],
    admin: ['role_platform_operator'],
    'read-only': ['role_platform_viewer'],
  };
  type Named = keyof typeof roles;
  const seen = {} as Record<Named, Awaited<ReturnType<typeof look>>>;
  let target: Awaited<ReturnType<typeof platformUser>>;

  /** Offered actions of a role in the portal, and the server's answers to all actions. */
  async function look(name: Named) {
    const as = await platformUser(broker, root, roles[name]);
    const portal = await usersAs(as.email);
    await row(portal, target.email).or(portal.page.getByRole('alert')).first().waitFor();
    const buttons = await portal.page
      .getByRole('button')
      .evaluateAll((all) =>
        all.map((button) => button.getAttribute('aria-label') ?? button.textContent ?? ''),
      );
    const links = await portal.page.getByRole('navigation').getByRole('link').allTextContents();
    await portal.close();
    const ask = async (operation: string, body?: object) =>
      (await broker.call(operation, { as: null, headers: as.headers, ...(body && { body }) })).status;
    return { offered: [...buttons, ...links], ask };
  }

  beforeAll(async () => {
    target = await platformUser(broker, root, ['role_platform_viewer']);
    for (const name of Object.keys(roles) as Named[]) seen[name] = await look(name);
  });

  const password = 'a password that nobody has';
  const users = '/api/v1/platform/users';

  test.each<[action: string, required: Named[], offer: () => string, ask: () => [string, object?]]>([
    ['View users', ['admin', 'super-admin'], () => 'Users', () => [`GET ${users}`]],
    [
      'Create user',
      ['super-admin'],
      () => 'Create User',
      () => [
        `POST ${users}`,
        {
          email: `${crypto.randomUUID()}@example.com`,
          name: 'New',
          password,
          role_ids: ['role_platform_viewer'],
        },
      ],
    ],
    [
      'Edit user',
      ['admin', 'super-admin'],
      () => `Edit ${target.email}`,
      () => [`PUT ${users}/${target.id}`, { name: 'Edited' }],
    ],
    [
      'Reset password',
      ['super-admin'],
      () => `Reset Password ${target.email}`,
      () => [`POST ${users}/${target.id}/reset-password`, { password }],
    ],
    ['Delete user', ['super-admin'], () => `Delete ${target.email}`, () => [`DELETE ${users}/${target.id}`]],
  ])('%s is offered to %s and to nobody else, and the server agrees', async (_, required, offer, ask) => {
    for (const name of ['read-only', 'admin', 'super-admin'] as const) {
      const isAllowed = required.includes(name);
      expect(seen[name].offered.includes(offer()), `offered to ${name}`).toBe(isAllowed);
      const status = await seen[name].ask(...ask());
      if (isAllowed) expect(status, `asked by ${name}`).toBeLessThan(300);
      else expect(status, `asked by ${name}`).toBe(403);
    }
  });

  test.each([
    ['Reset Password', () => [`POST ${users}/${root.id}/reset-password`, { password }] as const],
    ['Delete', () => [`DELETE ${users}/${root.id}`] as const],
  ])('%s is not offered for oneself, and the server refuses it', async (label, ask) => {
    const portal = await usersAs(root.email);
    await row(portal, root.email).waitFor();
    expect(await portal.page.getByRole('button', { name: `${label} ${root.email}` }).count()).toBe(0);
    const [operation, body] = ask();
    const { status, body: told } = await broker.call(operation, {
      as: null,
      headers: root.headers,
      ...(body && { body }),
    });
    expect([status, told.error.code]).toEqual([403, 'SELF_ACTION_FORBIDDEN']);
    await portal.close();
  });

  const offers = async (portal: Portal, name: string | RegExp) =>
    portal.page.getByRole('button', { name }).count();

  test('a super-admin is offered everything, but not to reset or delete themselves', async () => {
    const other = await platformUser(broker, root);
    const portal = await usersAs(root.email);
    await row(portal, other.email).waitFor();
    expect(await row(portal, other.email).getByRole('button').allTextContents()).toEqual([
      'Edit',
      'Reset Password',
      'Reset Factors',
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

  test('an admin is not offered to edit a super-admin, nor to give that role', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const other = await platformUser(broker, root, ['role_platform_viewer']);
    const portal = await usersAs(admin.email);
    const { page } = portal;
    await page.getByRole('button', { name: `Edit ${other.email}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('read-only').waitFor();
    expect(await dialog.getByLabel('super-admin').count()).toBe(0);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await offers(portal, `Edit ${root.email}`)).toBe(0);
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
