import { beforeAll, expect, test } from 'vitest';
import { type Minted, mint, verify } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { platformUser } from '../support/platform-users.ts';
import { field, logInAs, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

let own: Minted;
let foreign: Minted;
beforeAll(async () => {
  await tenantKey(broker, 'org_visited', { name: 'Its own key' });
  await tenantKey(broker, 'org_other', { name: 'Key of the other tenant' });
  own = await mint(broker, { user_id: 'usr_of_two', organization_id: 'org_visited' });
  foreign = await mint(broker, { user_id: 'usr_of_two', organization_id: 'org_other' });
  await verify(broker, own.key);
  await verify(broker, foreign.key);
  await broker.settleUsage();
  await platformKey(broker, undefined, { name: 'Key of the platform' });
});

async function enter(email: string): Promise<Portal> {
  const portal = await openAs(email, '/tenants');
  const { page } = portal;
  await page.getByRole('button', { name: 'Enter org_visited' }).click();
  await field(page.getByRole('dialog'), 'reason').fill('Störung 4711');
  await page.getByRole('dialog').getByRole('button', { name: 'Enter org_visited' }).click();
  await banner(portal).waitFor();
  return portal;
}

const banner = ({ page }: Portal) => page.getByRole('region', { name: 'Impersonation' });
const row = ({ page }: Portal, name: string) => page.getByRole('row').filter({ hasText: name });

test('inside a tenant a banner stands above every view, and only its keys are there', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await row(portal, 'Its own key').waitFor();
  expect(await row(portal, 'Key of the platform').count()).toBe(0);
  await portal.look('impersonation');
  await page.getByRole('link', { name: 'Audit' }).click();
  await row(portal, 'platform.impersonated').first().waitFor();
  expect(await banner(portal).isVisible()).toBe(true);
  await page.getByRole('button', { name: 'Leave org_visited' }).click();
  await page.getByRole('heading', { name: 'Tenants' }).waitFor();
  expect(await banner(portal).count()).toBe(0);
  await page.getByRole('link', { name: 'API Keys' }).click();
  await row(portal, 'Key of the platform').waitFor();
  await portal.close();
});

test('what is made there is the tenant’s, and every call is audited with the reason', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Create API Key' }).click();
  const dialog = page.getByRole('dialog');
  await field(dialog, 'name').fill('Made inside');
  await dialog.getByRole('combobox', { name: 'Scopes' }).fill('read');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Create API Key' }).click();
  expect(await page.locator('pre').textContent()).toMatch(/^flkey_/);
  const { body: events } = await broker.call('GET /api/v1/platform/audit?event_type=platform.impersonated', {
    as: null,
    headers: root.headers,
  });
  expect(events.length).toBeGreaterThan(1);
  for (const event of events) {
    expect(event).toMatchObject({ actor: { id: root.id }, on_behalf_of: 'org_visited' });
    expect(event.details.reason).toBe('Störung 4711');
  }
  await portal.close();
});

test('read-only looks around inside, and is offered no change', async () => {
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await enter(viewer.email);
  await row(portal, 'Its own key').waitFor();
  expect(await portal.page.getByRole('button', { name: 'Create API Key' }).count()).toBe(0);
  await portal.close();
});

test('whoever logs in next on the same tab stands outside', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.context().clearCookies();
  await page.goto(`${broker.url}/platform/api-keys`);
  const other = await platformUser(broker, root, ['role_platform_operator']);
  await logInAs(portal, other.email);
  await row(portal, 'Key of the platform').waitFor();
  expect(await banner(portal).count()).toBe(0);
  await portal.close();
});

/** Of the side bar inside a tenant: the view, and a text that it shows of the tenant. */
const viewsInside = [
  ['/api-keys', 'Its own key'],
  ['/hidden-keys', 'usr_of_two'],
  ['/leaks', 'No key is in quarantine.'],
  ['/hygiene', 'usr_of_two'],
  ['/environments', 'default'],
  ['/audit', 'platform.impersonated'],
  ['/usage', 'org_visited'],
] as const;

test('every view in the side bar is confined to the tenant, and every call of it says so', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  const links = await page.getByRole('navigation').getByRole('link').all();
  const offered = await Promise.all(links.map((link) => link.getAttribute('href')));
  expect(offered).toEqual(viewsInside.map(([view]) => `/platform${view}`));
  const calls = callsWithout(portal, 'org_visited');
  for (const [view, text] of viewsInside) {
    await page.goto(`${broker.url}/platform${view}`);
    await page.locator('main').getByText(text).filter({ visible: true }).first().waitFor();
    const shown = await page.locator('main').textContent();
    expect(shown, view).not.toContain('org_other');
    expect(shown, view).not.toContain('Key of the other tenant');
    expect(shown, view).not.toContain(foreign.key_prefix);
  }
  expect(calls).toEqual([]);
  await portal.close();
});

test.each([
  ['/api-keys?organization_id=org_other', 'No key on this page passes the filters.'],
  ['/hidden-keys?organization_id=org_other', 'No key here.'],
  ['/audit?organization_id=org_other', 'The organization was not found.'],
])('an address that asks for another tenant, %s, shows nothing of it', async (view, text) => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.goto(`${broker.url}/platform${view}`);
  await page.locator('main').getByText(text).first().waitFor();
  expect(await row(portal, 'usr_of_two').count()).toBe(0);
  expect(await row(portal, 'Key of the other tenant').count()).toBe(0);
  await portal.close();
});

test.each(['/overview', '/users', '/tenants', '/roles', '/master-keys', '/events', '/webhooks'])(
  'the view %s is about the whole platform: inside a tenant it says so and asks for nothing',
  async (view) => {
    const portal = await enter(root.email);
    const { page } = portal;
    await page.goto('about:blank');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${broker.url}/platform${view}`);
    await page.getByText('This view is about the whole platform').waitFor();
    expect(asked.filter((path) => path.startsWith('/api/'))).toEqual(['/api/v1/platform/auth/me']);
    await portal.close();
  },
);

test('all keys of a user are revoked inside the tenant, and nowhere else', async () => {
  const portal = await enter(root.email);
  const { page } = portal;
  await page.getByRole('link', { name: 'Hidden Keys' }).click();
  await page.getByRole('button', { name: `More for ${own.key_prefix}` }).click();
  await page.getByRole('menuitem', { name: 'Revoke all keys of usr_of_two' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Revoke all keys of usr_of_two' }).click();
  await page.getByText('1 API key revoked').waitFor();
  expect((await verify(broker, own.key)).code).toBe('REVOKED');
  expect((await verify(broker, foreign.key)).code).toBe('VALID');
  await portal.close();
});

/** Calls of the page that do not name the tenant, but for those about the own account. */
function callsWithout({ page }: Portal, organizationId: string): string[] {
  const calls: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    const isOwn = pathname.startsWith('/api/v1/platform/auth/');
    if (!pathname.startsWith('/api/') || isOwn) return;
    if (request.headers()['x-flowplate-org'] !== organizationId) calls.push(pathname);
  });
  return calls;
}
