import { beforeAll, expect, test } from 'vitest';
import { tenantKey } from '../support/platform-callers.ts';
import { goodPassword } from '../support/platform-users.ts';
import { field, openPortal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root } = await openSite();

beforeAll(() => tenantKey(broker, 'org_seen'));

test.each([
  ['narrow', { width: 380, height: 760 }],
  ['dark', { width: 1280, height: 800, colorScheme: 'dark' as const }],
])(
  'master keys, roles and the details of a tenant are good to use in a window that is %s',
  async (name, window) => {
    const portal = await openPortal(browser, broker.url, '/master-keys', window);
    const { page } = portal;
    await page.getByLabel('Email').fill(root.email);
    await field(page, 'password').fill(goodPassword);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Actions for test' }).waitFor();
    await portal.look(`master-keys-${name}`);
    await page.getByRole('button', { name: 'Create Master Key' }).click();
    await page.getByRole('dialog').waitFor();
    await portal.look(`create-master-key-${name}`);
    await page.goto(`${broker.url}/platform/roles`);
    await page.getByRole('cell', { name: 'read-only' }).waitFor();
    await portal.look(`roles-${name}`);
    await page.getByRole('button', { name: 'Create Role' }).click();
    await page.getByRole('dialog').waitFor();
    await portal.look(`create-role-${name}`);
    await page.goto(`${broker.url}/platform/tenants?tenant=org_seen`);
    await page.getByText('1, of which 1 active').waitFor();
    await portal.look(`tenant-details-${name}`);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await portal.close();
  },
);
