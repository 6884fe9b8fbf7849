import { expect, test } from 'vitest';
import { platformUser } from '../support/platform-users.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const auditAs = (email: string, view = '/audit') => openAs(email, view, 'Audit');

const rows = ({ page }: Portal, text: string) => page.getByRole('row').filter({ hasText: text });

test('events are there newest first, are filtered, and the address says how', async () => {
  const portal = await auditAs(root.email);
  const { page } = portal;
  await rows(portal, 'platform.bootstrapped').waitFor();
  expect(await page.locator('tbody tr').first().textContent()).toContain('platform.login.succeeded');
  await portal.look('audit');
  await page.getByRole('combobox', { name: 'Event' }).fill('bootstrapped');
  await page.getByRole('option', { name: 'platform.bootstrapped' }).click();
  await rows(portal, 'platform.login.succeeded').first().waitFor({ state: 'detached' });
  expect(page.url()).toContain('event_type=platform.bootstrapped');
  await portal.close();
});

test('an event is one sentence with the names of who and what, and JSON on demand', async () => {
  const made = await broker.call('POST /api/v1/platform/tenants', {
    as: null,
    headers: root.headers,
    body: { name: 'Acme Ltd' },
  });
  const portal = await auditAs(root.email, `/audit?target_id=${made.body.id}`);
  const event = rows(portal, 'Root provisioned the tenant Acme Ltd.');
  await event.waitFor();
  expect(await event.getByRole('cell').nth(2).textContent()).toBe(`Root${root.id}`);
  expect(await event.getByRole('cell').nth(3).textContent()).toBe(`Acme Ltd${made.body.id}`);
  const json = event.locator('pre');
  expect(await json.isVisible()).toBe(false);
  await event.getByText('JSON', { exact: true }).click();
  expect(JSON.parse((await json.textContent()) ?? '')).toMatchObject({ details: { name: 'Acme Ltd' } });
  await portal.look('audit-json');
  await portal.close();
});

test('a read-only operator, who may not list users, sees their ids', async () => {
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await auditAs(viewer.email, '/audit?event_type=platform.bootstrapped');
  await rows(portal, `made ${root.id} the first super-admin.`).waitFor();
  await portal.close();
});

test('a day is one in UTC: From its beginning, To its end', async () => {
  const portal = await auditAs(root.email);
  const today = new Date().toISOString().slice(0, 10);
  await portal.page.getByLabel('From (UTC)').fill(today);
  await portal.page.getByLabel('To (UTC)').fill(today);
  await rows(portal, 'platform.bootstrapped').waitFor();
  expect(portal.page.url()).toContain(`from=${today}&to=${today}`);
  for (const hint of ['The beginning of this day', 'The end of this day']) {
    await portal.page.getByText(hint).waitFor();
  }
  await portal.look('audit-of-a-day');
  await portal.page.getByLabel('To (UTC)').fill('2020-02-29');
  await rows(portal, 'platform.bootstrapped').waitFor({ state: 'detached' });
  await portal.close();
});

test('two filters that change before the page is drawn again both count', async () => {
  const portal = await auditAs(root.email);
  const today = new Date().toISOString().slice(0, 10);
  // React listens to the setter of the prototype, and hears of no other change.
  await portal.page.evaluate(`
    const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
    for (const input of document.querySelectorAll('input[type=date]')) {
      setValue.call(input, '${today}');
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
  `);
  await portal.page.waitForURL(`**/audit?from=${today}&to=${today}`);
  await portal.close();
});

test('what happens while one looks appears by itself, once Live is on', async () => {
  const portal = await auditAs(root.email);
  await portal.page.getByRole('switch', { name: 'Live' }).press('Space');
  const user = await platformUser(broker, root);
  await rows(portal, user.id).first().waitFor();
  await portal.close();
});

test('Verify says that the log is as it was sealed', async () => {
  const portal = await auditAs(root.email);
  await portal.page.getByRole('button', { name: 'Verify' }).click();
  await portal.page.getByText('The audit log is as it was sealed').waitFor();
  await portal.look('audit-verified');
  await portal.close();
});

test('a filter that is no such thing is refused in the server’s words', async () => {
  const portal = await auditAs(root.email, '/audit?event_type=nonsense');
  await portal.page.getByText('The request is not valid.').waitFor();
  await portal.page.getByText('event_type: ').waitFor();
  await portal.close();
});
