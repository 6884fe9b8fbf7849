import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertApiKey } from '../../src/stores/postgres/api-keys/api-keys.ts';
import { issueApiKey } from '../../src/usecases/api-keys/issue-api-key.ts';
import { append, revisionOf } from '../support/feed.ts';
import { mint, verify } from '../support/keys.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { goodPassword, platformUser, platformUserWith } from '../support/platform-users.ts';
import { dayMs } from '../support/walk-clock.ts';
import { field, logInAs, openPortal, type Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root, openAs } = await openSite();

const overviewAs = (email: string, view = '/') => openAs(email, view, 'Overview');
const panel = ({ page }: Portal, name: string) => page.getByRole('region', { name, exact: true });
const places = ({ page }: Portal) => page.getByRole('navigation').getByRole('link').allTextContents();

/** API addresses that the page has requested. */
function callsOf({ page }: Portal, event: 'request' | 'requestfinished' = 'request'): string[] {
  const calls: string[] = [];
  page.on(event as 'request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/') && !/\/(session|auth\/me|names)$/.test(pathname)) calls.push(pathname);
  });
  return calls;
}

/** A tenant's key that was made so long ago. */
async function oldKey(organizationId: string, name: string, ageDays: number) {
  await tenantKey(broker, organizationId);
  const request = { name, description: null, scopes: [], expiresAt: null, kind: 'tenant' as const };
  const at = new Date(Date.now() - ageDays * dayMs);
  const issued = issueApiKey(broker.api.parts, { ...request, organizationId, environment: 'default' }, at);
  await broker.db.transaction().execute((tx) => insertApiKey(tx, issued.apiKey, issued.digest));
  return { id: issued.apiKey.id, secret: issued.secret };
}

test('with nothing to show yet, each panel says so, and what would be there', async () => {
  const portal = await overviewAs(root.email);
  const texts = {
    'Traffic and refusals': 'No key was used in this time.',
    'Top tenants': 'No key of a tenant was used on this day.',
    'Top keys': 'No key was used on this day.',
    'About to expire': 'No key expires within 7 days.',
    'Never used or stale': 'Every active key older than 30 days was used in the last 30.',
    'Background jobs': 'None yet',
  };
  for (const [name, text] of Object.entries(texts))
    await panel(portal, name).getByText(text).first().waitFor();
  await portal.look('overview-empty');
  await portal.close();
});

test('is the first place in the side bar, and the home of whoever may see it', async () => {
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  for (const { email } of [root, viewer]) {
    const portal = await overviewAs(email);
    expect(new URL(portal.page.url()).pathname).toBe('/platform/overview');
    expect((await places(portal))[0]).toBe('Overview');
    await portal.close();
  }
  const auditor = await platformUserWith(broker, root, ['platform:audit:read']);
  const portal = await openAs(auditor.email, '/', 'Audit');
  expect(await places(portal)).not.toContain('Overview');
  await portal.close();
});

test('traffic and refusals stand in a chart by hour and by day, and in words that agree with SQL', async () => {
  const hidden = await mint(broker, { scopes: ['read'] });
  for (let time = 0; time < 3; time++) await verify(broker, hidden.key);
  for (let time = 0; time < 2; time++) await verify(broker, hidden.key, { scopes: ['write'] });
  await broker.settleUsage();
  const { rows } = await sql<{ words: string }>`
    SELECT sum(accepted) || ' calls and ' || sum(refused) || ' refusals: INSUFFICIENT_SCOPE 2.' AS words
    FROM usage_totals`.execute(broker.db);
  const portal = await overviewAs(root.email);
  const traffic = panel(portal, 'Traffic and refusals');
  await traffic.getByText(rows[0]?.words ?? '').waitFor();
  await traffic.getByRole('img', { name: 'Calls and refusals by hour' }).locator('svg').first().waitFor();
  await traffic.getByText('Last 30 days').click();
  await traffic.getByRole('img', { name: 'Calls and refusals by day' }).locator('svg').first().waitFor();
  await traffic.getByText(rows[0]?.words ?? '').waitFor();
  expect(portal.page.url()).toContain('by=day');
  await portal.close();
});

test('top tenants and keys say how often they were used, and lead to them', async () => {
  const tenant = await tenantKey(broker, 'org_top', { name: 'Busy tenant key' });
  const hidden = await mint(broker, { user_id: 'usr_top', organization_id: 'org_top' });
  for (let time = 0; time < 12; time++) await verify(broker, tenant.secret);
  for (let time = 0; time < 9; time++) await verify(broker, hidden.key);
  await broker.settleUsage();
  const portal = await overviewAs(root.email);
  const { page } = portal;
  const rowOf = (name: string, text: string) =>
    panel(portal, name).getByRole('row').filter({ hasText: text });
  await rowOf('Top tenants', 'org_top').getByRole('cell', { name: '21', exact: true }).waitFor();
  await rowOf('Top keys', 'Busy tenant key').getByRole('cell', { name: '12', exact: true }).waitFor();
  await rowOf('Top keys', hidden.key_prefix).getByRole('cell', { name: 'Hidden' }).waitFor();
  await page.getByText('Yesterday').click();
  await panel(portal, 'Top keys').getByText('No key was used on this day.').waitFor();
  expect(page.url()).toContain('day=yesterday');
  await page.goBack();
  const links = {
    org_top: '/platform/tenants?tenant=org_top',
    'Busy tenant key': `/platform/api-keys?key=${tenant.id}`,
    [hidden.key_prefix]: `/platform/hidden-keys?key=${hidden.key_id}`,
  };
  for (const [name, address] of Object.entries(links)) {
    await page.goto(`${broker.url}/platform/overview`);
    await page.getByRole('link', { name, exact: true }).first().click();
    await page.getByRole('dialog').waitFor();
    expect(page.url()).toBe(broker.url + address);
  }
  await portal.close();
});

test('keys about to expire come soonest first, and API Keys shows all of them', async () => {
  const inDays = (days: number) => new Date(Date.now() + days * dayMs + 60_000);
  await tenantKey(broker, 'org_soon', { name: 'In six days', expiresAt: inDays(6) });
  await tenantKey(broker, 'org_soon', { name: 'In two days', expiresAt: inDays(2) });
  await tenantKey(broker, 'org_soon', { name: 'In a month', expiresAt: inDays(31) });
  const portal = await overviewAs(root.email);
  const expiring = panel(portal, 'About to expire');
  await expiring.getByText('2 keys to expire within 7 days.').waitFor();
  const names = await expiring.locator('tbody tr td:first-child a').allTextContents();
  expect(names).toEqual(['In two days', 'In six days']);
  await expiring.getByText('in 2 days').waitFor();
  await expiring.getByRole('link', { name: 'Show them in API Keys' }).click();
  await portal.page.getByRole('heading', { name: 'API Keys' }).waitFor();
  await portal.page.getByRole('button', { name: 'In six days', exact: true }).waitFor();
  expect(await portal.page.locator('tbody tr').count()).toBe(2);
  expect(portal.page.url()).toContain('attention=expiring');
  await portal.close();
});

test('keys that nobody uses are named, those that were never used first; young ones are left alone', async () => {
  await oldKey('org_stale', 'Never touched', 40);
  const stale = await oldKey('org_stale', 'Once touched', 60);
  const used = await oldKey('org_stale', 'In use', 60);
  for (const { secret } of [stale, used]) await verify(broker, secret);
  await broker.settleUsage();
  const long = new Date(Date.now() - 45 * dayMs);
  await sql`UPDATE usage_totals SET last_used_at = ${long} WHERE lineage_id = ${stale.id}`.execute(broker.db);
  const portal = await openPortal(browser, broker.url, '/overview', { width: 1280, height: 1900 });
  await logInAs(portal, root.email);
  const unused = panel(portal, 'Never used or stale');
  await unused.getByText('2 keys not used for 30 days or ever.').waitFor();
  expect(await unused.locator('tbody tr td:first-child a').allTextContents()).toEqual([
    'Never touched',
    'Once touched',
  ]);
  expect(await unused.locator('tbody tr td:last-child').allTextContents()).toEqual(['Never', 'last month']);
  await panel(portal, 'Traffic and refusals').locator('svg').first().waitFor();
  await portal.look('overview');
  await unused.getByRole('link', { name: 'Show them in API Keys' }).click();
  await portal.page.getByRole('button', { name: 'Never touched', exact: true }).waitFor();
  expect(await portal.page.locator('tbody tr').count()).toBe(2);
  await portal.close();
});

test('verifiers are there with what is left of their leases, and say when they are behind', async () => {
  await sql`INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id)
    VALUES ('gone', 0, clock_timestamp() - interval '2 minutes', 'flm_gateway')`.execute(broker.db);
  for (const revision of [1, 2]) await append(broker.db, revisionOf('flk_changed', revision));
  const portal = await overviewAs(root.email);
  const verifiers = panel(portal, 'Verifiers');
  await verifiers.getByText('1 live, 1 lapsed.').waitFor();
  const api = verifiers.getByRole('row').filter({ hasText: 'API process' });
  await api.getByText('Up to date').first().waitFor();
  expect(await api.textContent()).toMatch(/Live\d+ s left/);
  const lapsed = verifiers.getByRole('row').filter({ hasText: 'In a gateway' });
  await lapsed.getByText('2 minutes ago').waitFor();
  await lapsed.getByText(/^\d+ changes$/).waitFor();
  await portal.close();
});

test('a gateway that confirms nothing is named as what delays revokes', async () => {
  await sql`INSERT INTO verifiers (id, applied_seq, lease_until, master_key_id)
    VALUES ('silent', 0, clock_timestamp() + interval '1 minute', 'flm_silent')`.execute(broker.db);
  const seq = await append(broker.db, revisionOf('flk_unconfirmed', 2));
  await sql`UPDATE key_changes SET committed_at = clock_timestamp() - interval '5 seconds'
    WHERE seq = ${seq}`.execute(broker.db);
  const portal = await overviewAs(root.email);
  const now = panel(portal, 'Now');
  await now
    .getByText(/^Revokes are delayed by up to \d\d s, because the verifier of flm_silent does not answer$/)
    .waitFor();
  await portal.look('overview-revokes-delayed');
  await sql`DELETE FROM verifiers WHERE id = 'silent'`.execute(broker.db);
  await portal.page.reload();
  await now.getByText('Revokes take effect at once').waitFor();
  expect(await now.getByText('Revokes are delayed').count()).toBe(0);
  await portal.close();
});

test('background jobs: what no worker takes is late, and that Redis is down is no fault of the page', async () => {
  const portal = await openPortal(browser, broker.url);
  const answers = [
    {
      up: true,
      queue: {
        waiting: 1,
        active: 0,
        delayed: 6,
        failed: 2,
        oldest_due: { job: 'roll-up-usage', at: new Date(Date.now() - 90_000).toISOString(), seconds: 90 },
        last_completed: null,
        last_failed: { job: 'seal-audit', at: new Date().toISOString() },
      },
      usage_flushes_waiting: 1_234,
    },
    { up: false, queue: null, usage_flushes_waiting: null },
  ];
  await portal.page.route('**/api/v1/platform/queues', (route) =>
    route.fulfill({ json: answers.length > 1 ? answers.shift() : answers[0] }),
  );
  await logInAs(portal, root.email);
  const jobs = panel(portal, 'Background jobs');
  const now = panel(portal, 'Now');
  await now.getByText('roll-up-usage is late by 90 s, because no worker has taken it').waitFor();
  await jobs.getByText('1,234 not added up yet').waitFor();
  await portal.look('overview-jobs-late');
  await portal.page.reload();
  await now.getByText(/because Redis does not answer$/).waitFor();
  await portal.close();
});

test('one answer that fails leaves the other panels as they are', async () => {
  const portal = await openPortal(browser, broker.url);
  const error = { code: 'INSUFFICIENT_PERMISSIONS', message: 'Not for you', status: 403, trace_id: 'req_1' };
  await portal.page.route('**/api/v1/platform/verifiers', (route) =>
    route.fulfill({ status: 403, json: { success: false, error } }),
  );
  await logInAs(portal, root.email);
  await panel(portal, 'Verifiers').getByRole('alert').getByText('Not for you').waitFor();
  await panel(portal, 'Traffic and refusals').getByRole('img').first().waitFor();
  await panel(portal, 'Background jobs').getByText('Waiting', { exact: true }).waitFor();
  expect(await portal.page.getByRole('alert').count()).toBe(1);
  await portal.close();
});

test('asks six things, again every ten seconds while it is seen, and nothing while it is hidden', async () => {
  const portal = await openPortal(browser, broker.url);
  const { page } = portal;
  await page.clock.install();
  const calls = callsOf(portal);
  const answers = callsOf(portal, 'requestfinished');
  await logInAs(portal, root.email);
  await panel(portal, 'Verifiers').getByText('Up to date').first().waitFor();
  await expect.poll(() => answers.length).toBe(6);
  await page.clock.runFor(11_000);
  await expect.poll(() => answers.length).toBe(12);
  const show = (state: string) =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
       document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`,
    );
  await show('hidden');
  await page.clock.runFor(120_000);
  // Comes after whatever the page may have asked for meanwhile.
  await page.evaluate("fetch('/health/live')");
  expect(calls).toHaveLength(12);
  await show('visible');
  await expect.poll(() => answers.length).toBe(18);
  await portal.close();
});

test('hidden keys are named to those who may see them', async () => {
  const hidden = await mint(broker, { user_id: 'usr_named', organization_id: 'org_named' });
  for (let time = 0; time < 30; time++) await verify(broker, hidden.key);
  await broker.settleUsage();
  const user = await platformUserWith(broker, root, ['platform:keys:read']);
  const seen = await overviewAs(root.email);
  await panel(seen, 'Top keys').getByText(hidden.key_prefix).waitFor();
  await seen.close();
  const portal = await overviewAs(user.email);
  await panel(portal, 'Top keys').getByRole('table').waitFor();
  expect(await panel(portal, 'Top keys').getByText('Hidden').count()).toBe(0);
  expect(await panel(portal, 'Top tenants').count()).toBe(0);
  await portal.close();
});

test('fits a narrow window, in dark as well', async () => {
  const window = { width: 390, height: 844, colorScheme: 'dark' as const };
  const portal = await openPortal(browser, broker.url, '/overview', window);
  await logInWithoutSideBar(portal);
  await panel(portal, 'Verifiers').getByText('Up to date').first().waitFor();
  const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  expect(await portal.page.evaluate(isTooWide)).toBe(false);
  await portal.look('overview-narrow');
  await portal.close();
});

/** In a narrow window the side bar is folded away. */
async function logInWithoutSideBar({ page }: Portal): Promise<void> {
  await page.getByLabel('Email').fill(root.email);
  await field(page, 'password').fill(goodPassword);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}
