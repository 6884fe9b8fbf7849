import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { revokeApiKey } from '../support/api-keys.ts';
import { mint, verify } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { platformUser } from '../support/platform-users.ts';
import { row, statusOf } from './api-key-steps.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const keysAs = (email: string, view = '/api-keys') => openAs(email, view, 'API Keys');

describe('API Keys List', () => {
  describe('four metric cards are displayed at the top', () => {
    const shown = new Map<string, string>();
    let expected: Record<string, string>;

    beforeAll(async () => {
      await everyKindOfKey();
      const portal = await keysAs(root.email);
      const cards = portal.page.getByRole('region');
      await cards.locator('p + p').nth(3).waitFor();
      for (const card of await cards.all()) {
        const [label = '', value = ''] = await card.locator('p').allTextContents();
        shown.set(label, value);
      }
      expected = await countedRows();
      await portal.close();
    });

    test.each(['Total Keys', 'Active Keys', 'Expired Keys', 'API Calls Today'])(
      '%s agrees with SQL',
      (label) => {
        expect(Number(expected[label])).toBeGreaterThan(0);
        expect(shown.get(label)).toBe(expected[label]);
      },
    );

    test('and there are no others', () => {
      expect([...shown.keys()]).toEqual(Object.keys(expected));
    });
  });

  test('each key shows Name & Description, masked Key, Scopes, Last Used, Expires and Status', async () => {
    const used = await platformKey(broker, undefined, {
      name: 'Nightly report',
      description: 'Counts the users at night',
      scopes: ['read', 'write'],
    });
    await statusOf(broker, used.headers);
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
      'Nightly reportCounts the users at nightPlatform',
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

  test.each([
    ['Active', {}, 'Never'],
    ['Revoked', { expiresAt: new Date(Date.UTC(2099, 11, 31, 12)) }, '31 Dec 2099'],
    ['Expired', { expiresAt: new Date(Date.UTC(2020, 1, 29, 12)) }, '29 Feb 2020'],
  ])('Status says %s, and Expires the date or "Never"', async (status, rest, expires) => {
    const name = `${status} one`;
    const key = await platformKey(broker, undefined, { name, ...rest });
    if (status === 'Revoked') await revokeApiKey(broker, root.headers, key.id);
    const portal = await keysAs(root.email);
    await row(portal, name).getByText(status, { exact: true }).waitFor();
    const cells = await row(portal, name).getByRole('cell').allTextContents();
    expect(cells.slice(3, 6)).toEqual(['Never', expires, status]);
    await portal.close();
  });

  test('the exact time of the last use, in UTC too, shows on hover', async () => {
    const used = await platformKey(broker, undefined, { name: 'Hovered' });
    await statusOf(broker, used.headers);
    await broker.settleUsage();
    const portal = await keysAs(root.email);
    await row(portal, 'Hovered').locator('time').hover();
    const tooltip = await portal.page.getByRole('tooltip').textContent();
    expect(tooltip).toMatch(/2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ UTC$/);
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

  test('one search takes a name, an id, the beginning or the end of a key, and a pasted key, which it cuts', async () => {
    const wanted = await tenantKey(broker, 'org_searched', { name: 'Sought after' });
    await tenantKey(broker, 'org_searched', { name: 'Neighbour' });
    const portal = await keysAs(root.email, '/api-keys?organization_id=org_searched');
    const { page } = portal;
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    const { id, secret } = wanted;
    const prefix = secret.slice(0, 'flkey_'.length + 8);
    const suffix = secret.slice(-4);
    for (const text of ['ought af', id, prefix, `${prefix}…${suffix}`, `…${suffix}`, suffix, secret]) {
      await page.getByLabel('Search').fill('');
      await row(portal, 'Neighbour').waitFor();
      await page.getByLabel('Search').fill(text);
      await row(portal, 'Neighbour').waitFor({ state: 'detached' });
      await row(portal, 'Sought after').waitFor();
    }
    expect(await page.getByLabel('Search').inputValue()).toBe(prefix);
    const rest = secret.slice(prefix.length);
    expect([...addresses, page.url()].filter((address) => address.includes(rest))).toEqual([]);
    await portal.close();
  });

  test('a tenant has its name, and a platform key without scopes the role that it has', async () => {
    await tenantKey(broker, 'org_called', { name: 'Of a tenant' });
    await broker.call('PATCH /api/v1/platform/tenants/org_called', {
      as: null,
      headers: root.headers,
      body: { name: 'Called Otherwise' },
    });
    await platformKey(broker, ['role_platform_viewer'], { name: 'With a role' });
    const portal = await keysAs(root.email);
    await row(portal, 'Of a tenant').getByText('Called Otherwise').waitFor();
    await row(portal, 'With a role').getByText('Role read-only').waitFor();
    await portal.close();
  });

  test('an admin is not offered to end a platform key with more rights', async () => {
    await platformKey(broker, undefined, { name: 'Of a super-admin' });
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const portal = await keysAs(admin.email);
    await portal.page.getByRole('button', { name: 'Actions for Of a super-admin' }).click();
    await portal.page.getByRole('menuitem', { name: 'Details' }).waitFor();
    expect(await portal.page.getByRole('menuitem').allTextContents()).toEqual(['Details']);
    await portal.close();
  });

  test('says whose each key is, and shows those of one tenant alone', async () => {
    await tenantKey(broker, 'org_here', { name: 'Theirs' });
    await tenantKey(broker, 'org_there', { name: 'Of others' });
    const portal = await keysAs(root.email);
    await row(portal, 'Of others').getByText('org_there', { exact: true }).waitFor();
    await portal.page.getByRole('combobox', { name: 'Tenant' }).fill('org_here');
    await portal.page.getByRole('option', { name: 'org_here' }).click();
    await row(portal, 'Of others').waitFor({ state: 'detached' });
    await row(portal, 'Theirs').getByText('org_here', { exact: true }).waitFor();
    expect(new URL(portal.page.url()).searchParams.get('organization_id')).toBe('org_here');
    await portal.close();
  });

  test('pages: no key is seen twice and none is left out', async () => {
    for (let number = 0; number < 27; number++) {
      await tenantKey(broker, 'org_pages', { name: `paged ${number}` });
    }
    const portal = await keysAs(root.email, '/api-keys?name=paged');
    const names = () => portal.page.locator('tbody tr td:first-child button').allTextContents();
    await portal.page.getByRole('row').nth(25).waitFor();
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

/**
 * Of every state one, of tenants and of the platform; hidden ones, which no card counts; and calls
 * of each.
 */
async function everyKindOfKey(): Promise<void> {
  const over = { expiresAt: new Date(Date.now() - 1_000) };
  const used = await platformKey(broker);
  await statusOf(broker, used.headers);
  await tenantKey(broker, 'org_cards', { name: 'over', ...over });
  await platformKey(broker, undefined, { name: 'over, too', ...over });
  const ended = await tenantKey(broker, 'org_cards', { name: 'revoked' });
  const endedAndOver = await tenantKey(broker, 'org_cards', { name: 'revoked, then over', ...over });
  await revokeApiKey(broker, root.headers, ended.id);
  await revokeApiKey(broker, root.headers, endedAndOver.id);
  await verify(broker, (await mint(broker)).key);
  await broker.settleUsage();
}

/** Expected texts of the cards, from the rows: the keys, and each key's own calls. */
async function countedRows(): Promise<Record<string, string>> {
  const { rows } = await sql<Record<string, string>>`
    SELECT count(*)::text AS "Total Keys",
      count(*) FILTER (WHERE status = 'active' AND (expires_at IS NULL OR expires_at > now()))::text AS "Active Keys",
      count(*) FILTER (WHERE status = 'expired' OR (status = 'active' AND expires_at <= now()))::text AS "Expired Keys",
      (SELECT coalesce(sum(calls), 0)::text FROM usage_days
        WHERE code IN ('VALID', 'SUPERSEDED') AND day = (now() AT TIME ZONE 'UTC')::date) AS "API Calls Today"
    FROM api_keys WHERE kind IN ('tenant', 'platform')`.execute(broker.db);
  return rows[0] ?? {};
}
