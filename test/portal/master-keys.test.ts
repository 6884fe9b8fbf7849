import { describe, expect, test } from 'vitest';
import { register } from '../http/verifiers/verifier-calls.ts';
import { keysPath, mint } from '../support/keys.ts';
import { platformUser } from '../support/platform-users.ts';
import { everythingKept, field, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const masterKeysAs = (email: string, view = '/master-keys') => openAs(email, view, 'Master Keys');

const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

async function choose({ page }: Portal, name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
  await page.getByRole('menu').waitFor({ state: 'detached' });
}

/** Whether it is let in. */
const statusWith = async (key: string) => (await broker.call(`GET ${keysPath}`, { as: key })).status;

async function openForm({ page }: Portal, name: string) {
  await page.getByRole('button', { name: 'Create Master Key' }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill(name);
  return dialog;
}

describe('the list', () => {
  test('shows what each may do, for whom and from where, what it minted, and when it was last used', async () => {
    const { id, secret } = await broker.createMasterKey({
      name: 'Billing',
      permissions: ['keys:mint', 'keys:read'],
      organizationIds: ['org_1', 'org_2', 'org_3'],
      ipAllowlist: ['127.0.0.0/8'],
    });
    await mint(broker, { organization_id: 'org_1' }, { as: secret });
    await broker.api.flushUsage();
    await broker.createMasterKey({ name: 'Never touched' });
    const portal = await masterKeysAs(root.email);
    const { page } = portal;
    await row(portal, 'Billing').waitFor();
    expect(await page.getByRole('columnheader').allTextContents()).toEqual([
      'Name',
      'Permissions',
      'Organizations',
      'IP Addresses',
      'Minted',
      'Last Used',
      'Expires',
      'Status',
      'Actions',
    ]);
    const [shown = '', ...cells] = await row(portal, 'Billing').getByRole('cell').allTextContents();
    expect(shown).toContain(secret.slice(0, 'fl_master_test_'.length + 8));
    expect(cells.slice(0, 4)).toEqual(['keys:mintkeys:read', 'org_1, org_2 and 1 more', '127.0.0.0/8', '1']);
    expect(cells[4]).toMatch(/^(now|\d+ seconds? ago)$/);
    expect(cells.slice(5, 7)).toEqual(['Never', 'Active']);
    const untouched = await row(portal, 'Never touched').getByRole('cell').allTextContents();
    expect(untouched.slice(1, 6)).toEqual(['All', 'All', 'Any', '0', 'Never']);
    await portal.look('master-keys');
    await page.getByRole('button', { name: 'Billing', exact: true }).click();
    await page.waitForURL(`**/master-keys?key=${id}`);
    await page.getByText('org_1, org_2, org_3').waitFor();
    await page.getByRole('table', { name: 'Recent audit events' }).getByText('master_key.created').waitFor();
    await portal.look('master-key-details');
    await page.getByRole('link', { name: '1 key, in Audit' }).click();
    await row(portal, 'key.minted').getByText(id, { exact: true }).waitFor();
    expect(await page.getByRole('row').count()).toBe(2);
    await portal.close();
  });

  test('is narrowed by a part of the name and by status, and the address says how', async () => {
    await broker.createMasterKey({ name: 'Gateway east' });
    const ended = await broker.createMasterKey({ name: 'Gateway west' });
    await broker.call(`POST /api/v1/platform/master-keys/${ended.id}/revoke`, {
      as: null,
      headers: root.headers,
    });
    const portal = await masterKeysAs(root.email);
    const { page } = portal;
    await row(portal, 'Gateway east').waitFor();
    await page.getByLabel('Search').fill('gateway');
    await page.waitForURL('**/master-keys?name=gateway');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(2);
    await page.goto(`${broker.url}/platform/master-keys?name=gateway&status=revoked`);
    await row(portal, 'Gateway west').getByText('Revoked').waitFor();
    expect(await row(portal, 'Gateway east').count()).toBe(0);
    await page.getByLabel('Search').fill('nothing of the kind');
    await page.getByText('No master key passes the filters.').waitFor();
    await portal.close();
  });
});

describe('bounds and what was minted', () => {
  test('bounds are set, shown and hold; the details lead to the keys of an organization', async () => {
    const { id, secret: as } = await broker.createMasterKey({ name: 'Bounded' });
    const minted = await mint(broker, {}, { as });
    const portal = await masterKeysAs(root.email);
    const { page } = portal;
    await choose(portal, 'Bounded', 'Bounds');
    await page.getByLabel('Mint quota').fill('1');
    await page.getByLabel('Living keys at most').fill('1');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const beyond = await broker.call(`POST ${keysPath}`, {
      as,
      body: { user_id: 'u', organization_id: 'o' },
    });
    expect(beyond.body.error.code).toBe('MINT_QUOTA_EXCEEDED');
    await page.getByRole('button', { name: 'Bounded', exact: true }).click();
    await page.getByText('1 of at most 1').waitFor();
    await page.getByText('1 a day').waitFor();
    const tree = page.getByRole('table', { name: 'Organizations it has minted for' });
    await tree.getByText(minted.organization_id).first().waitFor();
    await portal.look('master-key-tree');
    await tree.getByRole('link').first().click();
    await page.waitForURL(`**/hidden-keys?minted_by=${id}&organization_id=${minted.organization_id}`);
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    await page.goto(`${broker.url}/platform/hidden-keys?key=${minted.key_id}`);
    await page.getByRole('link', { name: id }).waitFor();
    await portal.close();
  });
});

describe('creating', () => {
  test('takes what it may do and its limits; the secret is shown once, works, and is nowhere afterwards', async () => {
    const portal = await masterKeysAs(root.email);
    const { page } = portal;
    const bodies: string[] = [];
    page.on('response', async (response) => {
      if (response.url().includes('/api/')) bodies.push(await response.text().catch(() => ''));
    });
    const dialog = await openForm(portal, 'Made here');
    await dialog.getByLabel('keys:read').check();
    await dialog.getByLabel('keys:verify', { exact: true }).check();
    for (const [label, value] of [
      ['Organizations', 'org_1'],
      ['Environments', 'prod'],
      ['IP addresses', '127.0.0.0/8'],
    ] as const) {
      await dialog.getByRole('combobox', { name: label }).fill(value);
      await page.keyboard.press('Enter');
    }
    await dialog.getByRole('combobox', { name: 'Expiration' }).click();
    await page.getByRole('option', { name: 'On a date' }).click();
    await dialog.getByLabel('Last day').fill('2090-06-30');
    await portal.look('create-master-key');
    await dialog.getByRole('button', { name: 'Create Master Key' }).click();
    await page.getByText('It cannot be retrieved later.').waitFor();
    const secret = (await page.locator('pre').textContent()) ?? '';
    expect(secret).toMatch(/^fl_master_/);
    expect(await statusWith(secret)).toBe(200);
    await page.keyboard.press('Escape');
    expect(await page.getByText('Copy it now').isVisible()).toBe(true);
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await row(portal, 'Made here').waitFor();

    await page.reload();
    await row(portal, 'Made here').waitFor();
    expect(await page.evaluate(everythingKept)).not.toContain(secret);
    expect(bodies.filter((body) => body.includes(secret))).toHaveLength(1);
    const { body } = await broker.call('GET /api/v1/platform/master-keys?name=made', {
      as: null,
      headers: root.headers,
    });
    expect(body).toMatchObject([
      {
        permissions: ['keys:read', 'keys:verify'],
        organization_ids: ['org_1'],
        environments: ['prod'],
        ip_allowlist: ['127.0.0.0/8'],
        expires_at: expect.stringMatching(/^2090-(06-30|07-01)T/),
      },
    ]);
    await portal.close();
  });

  test('without a permission it is not sent, and what the server refuses stands at its field', async () => {
    const portal = await masterKeysAs(root.email);
    const { page } = portal;
    const dialog = await openForm(portal, 'Refused');
    const send = dialog.getByRole('button', { name: 'Create Master Key' });
    await send.click();
    await dialog.getByText('choose at least one').waitFor();
    await dialog.getByLabel('keys:read').check();
    await dialog.getByRole('combobox', { name: 'IP addresses' }).fill('10.0.0.0/99');
    await page.keyboard.press('Enter');
    await dialog.getByRole('combobox', { name: 'Environments' }).fill('PROD');
    await page.keyboard.press('Enter');
    await send.click();
    await dialog.getByText('must be an IP address or a CIDR range').waitFor();
    await dialog.getByText('must be 1 to 16 of a-z 0-9').waitFor();
    expect(await dialog.getByRole('combobox', { name: 'IP addresses' }).getAttribute('aria-invalid')).toBe(
      'true',
    );
    await portal.look('create-master-key-refused');
    await portal.close();
  });
});

test('rotating with an overlap shows the new secret once, and both are good until it is over', async () => {
  const { secret: old } = await broker.createMasterKey({ name: 'To rotate' });
  const portal = await masterKeysAs(root.email);
  const { page } = portal;
  await choose(portal, 'To rotate', 'Rotate');
  await page.getByRole('combobox', { name: 'Overlap' }).click();
  await page.getByRole('option', { name: '7 days' }).click();
  await portal.look('rotate-master-key');
  await page.getByRole('button', { name: 'Rotate To rotate' }).click();
  const secret = (await page.locator('pre').textContent()) ?? '';
  expect(secret).not.toBe(old);
  expect([await statusWith(old), await statusWith(secret)]).toEqual([200, 200]);
  await page.getByRole('button', { name: 'I have stored it' }).click();
  await page.getByText('Everything knows when the old key ends.').waitFor();
  await page.getByRole('button', { name: 'Close' }).last().click();
  await expect.poll(() => row(portal, 'To rotate').count()).toBe(2);
  expect(await page.evaluate(everythingKept)).not.toContain(secret);
  await portal.close();
});

test('rotating without an overlap ends the old one at once', async () => {
  const { secret: old } = await broker.createMasterKey({ name: 'To replace' });
  const portal = await masterKeysAs(root.email);
  const { page } = portal;
  await choose(portal, 'To replace', 'Rotate');
  await page.getByRole('combobox', { name: 'Overlap' }).click();
  await page.getByRole('option', { name: 'None: it ends at once' }).click();
  await page.getByRole('button', { name: 'Rotate To replace' }).click();
  const secret = (await page.locator('pre').textContent()) ?? '';
  expect([await statusWith(old), await statusWith(secret)]).toEqual([401, 200]);
  await portal.close();
});

test('revoking asks by name, says that it holds everywhere, and is not offered again', async () => {
  const { secret } = await broker.createMasterKey({ name: 'To revoke' });
  const portal = await masterKeysAs(root.email);
  const { page } = portal;
  await choose(portal, 'To revoke', 'Revoke');
  await page.getByText('The keys that it minted go on.').waitFor();
  await portal.look('revoke-master-key');
  expect(await statusWith(secret)).toBe(200);
  await page.getByRole('button', { name: 'Revoke To revoke' }).click();
  await page.getByText('Nothing anywhere accepts the key any more.').waitFor();
  expect(await statusWith(secret)).toBe(401);
  await page.getByRole('button', { name: 'Close' }).last().click();
  await row(portal, 'To revoke').getByText('Revoked').waitFor();
  await page.getByRole('button', { name: 'Actions for To revoke' }).click();
  expect(await page.getByRole('menuitem').allTextContents()).toEqual(['Details']);
  await portal.close();
});

test.each([
  ['an admin', 'role_platform_operator'],
  ['read-only', 'role_platform_viewer'],
])(
  '%s does not find them in the navigation, is offered nothing, and the server refuses the list',
  async (_, role) => {
    const other = await platformUser(broker, root, [role]);
    const portal = await masterKeysAs(other.email);
    const { page } = portal;
    await page.getByText('You do not have permission to access this resource.').waitFor();
    expect(await page.getByRole('link', { name: 'Master Keys' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: /Create|Rotate|Revoke|Actions/ }).count()).toBe(0);
    expect(await page.getByRole('table').count()).toBe(0);
    await portal.look(`master-keys-${role}`);
    await portal.close();
  },
);

test.each([
  ['Revoke', 'revoked'],
  ['Rotate', 'rotated'],
])('while a verifier has stopped, %s says that it is not certain everywhere yet', async (action, done) => {
  const name = `Pending ${action}`;
  const { id, secret: as } = await broker.createMasterKey({ name });
  // Takes part by this key, holds a lease, and never says that it has heard of anything.
  await register(broker, { as });
  const portal = await masterKeysAs(root.email);
  const { page } = portal;
  await choose(portal, name, action);
  await page.getByRole('button', { name: `${action} ${name}` }).click();
  if (action === 'Rotate') await page.getByRole('button', { name: 'I have stored it' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: `${name} is ${done}, not everywhere yet` })
    .getByText(`It waits for ${id}.`)
    .waitFor();
  await portal.close();
});
