import { afterAll, expect, test } from 'vitest';
import { seal, writeEvents } from '../support/audit-chain.ts';
import { platformUser } from '../support/platform-users.ts';
import { serve } from '../support/serve-webhook.ts';
import { startReceiver } from '../support/webhook-receiver.ts';
import { everythingKept, field, openPortal, type Portal, sessionCookie } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root, openAs } = await openSite({ WEBHOOK_INTERNAL_RANGES: '127.0.0.0/8' });
const receiver = await startReceiver();
afterAll(() => receiver.close());

const path = '/api/v1/platform/webhooks';
const webhooksAs = (email: string, view = '/webhooks') => openAs(email, view, 'Webhooks');

async function call(operation: string, body?: unknown) {
  return (
    await broker.call(operation, { as: null, headers: root.headers, ...(body !== undefined && { body }) })
  ).body;
}

async function choose({ page }: Portal, name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
  await page.getByRole('menu').waitFor({ state: 'detached' });
}

const row = ({ page }: Portal, text: string) => page.getByRole('row').filter({ hasText: text });

/** Closes the dialog that is open. */
async function close({ page }: Portal): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

test('a webhook is created, its secret shown once, tested, edited, rotated, disabled, enabled and deleted', async () => {
  const portal = await webhooksAs(root.email);
  const { page } = portal;
  await page.getByText('There is no webhook yet.').waitFor();
  await page.getByRole('button', { name: 'Create Webhook' }).click();
  const form = page.getByRole('dialog');
  await field(form, 'url').fill('http://127.0.0.1:0/x');
  await field(form, 'description').fill('Our SIEM');
  await form.getByRole('button', { name: 'Create Webhook' }).click();
  await form.getByText('choose at least one').waitFor();
  await form.getByRole('combobox', { name: 'Events' }).fill('key.revoked');
  await page.getByRole('option', { name: 'key.revoked', exact: true }).click();
  await field(form, 'url').fill('ftp://127.0.0.1/x');
  await form.getByRole('button', { name: 'Create Webhook' }).click();
  await form.getByText('must begin with https://').waitFor();
  await portal.look('create-webhook');
  await field(form, 'url').fill(receiver.url);
  await form.getByRole('button', { name: 'Create Webhook' }).click();
  await page.getByText('It is shown only this once').waitFor();
  const secret = (await page.locator('pre').textContent()) ?? '';
  expect(secret).toMatch(/^whsec_/);
  await portal.look('webhook-secret');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'I have stored it' }).click();
  await row(portal, 'Our SIEM').getByText('Enabled').waitFor();
  await page.reload();
  await row(portal, 'Our SIEM').waitFor();
  expect(await page.evaluate(everythingKept)).not.toContain(secret);

  await choose(portal, 'Our SIEM', 'Send a test event');
  receiver.answer((_, res) => res.writeHead(503).end('not today'));
  await page.getByRole('button', { name: 'Send a test event' }).click();
  await page.getByText('The endpoint did not accept it').waitFor();
  await page.getByText('not today').waitFor();
  await portal.look('webhook-test');
  await close(portal);
  receiver.answerStatus(204);

  await choose(portal, 'Our SIEM', 'Edit');
  await field(page.getByRole('dialog'), 'description').fill('SIEM of all');
  await page.getByLabel('Every event').check({ force: true });
  await page.getByRole('button', { name: 'Save' }).click();
  await row(portal, 'SIEM of all').getByText('All').first().waitFor();

  await choose(portal, 'SIEM of all', 'Rotate the secret');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate the secret' }).click();
  await page.getByText('It is shown only this once').waitFor();
  expect(await page.locator('pre').textContent()).not.toBe(secret);
  await page.getByRole('button', { name: 'I have stored it' }).click();

  await choose(portal, 'SIEM of all', 'Disable');
  await page.getByRole('button', { name: 'Disable SIEM of all' }).click();
  await row(portal, 'SIEM of all').getByText('Disabled').waitFor();
  await choose(portal, 'SIEM of all', 'Enable');
  await page.getByRole('button', { name: 'Enable SIEM of all' }).click();
  await row(portal, 'SIEM of all').getByText('Enabled').waitFor();
  const [{ id }] = await call(`GET ${path}`);
  expect(await call(`GET ${path}/${id}`)).toMatchObject({ types: ['*'], description: 'SIEM of all' });

  await choose(portal, 'SIEM of all', 'Delete');
  await page.getByRole('button', { name: 'Delete SIEM of all' }).click();
  await page.getByText('There is no webhook yet.').waitFor();
  await portal.close();
});

test('the details show what was sent and answered; events are sent again one by one and by days', async () => {
  const settings = { url: receiver.url, types: ['key.revoked'], description: 'Ticket system' };
  const { id } = await call(`POST ${path}`, settings);
  const [first, second] = await writeEvents(broker.db, 2);
  await seal(broker.db, broker.api.parts.keyring);
  receiver.answer((_, res) => res.writeHead(200).end('thanks'));
  await serve(broker, id);
  receiver.answerStatus(500);
  await writeEvents(broker.db, 1);
  await seal(broker.db, broker.api.parts.keyring);
  await serve(broker, id);
  receiver.answerStatus(204);

  const portal = await webhooksAs(root.email);
  const { page } = portal;
  await row(portal, 'Ticket system').getByText('Failing').waitFor();
  await portal.look('webhooks');
  await page.getByRole('button', { name: 'Ticket system', exact: true }).click();
  await page.waitForURL(`**/webhooks?webhook=${id}`);
  const deliveries = page.getByRole('table', { name: 'Deliveries' });
  await deliveries.getByText('Status 500').waitFor();
  await deliveries.getByRole('button', { name: 'Request and answer' }).last().click();
  await deliveries.getByText('thanks').waitFor();
  await portal.look('webhook-details');
  await page.getByRole('button', { name: `Send again ${first?.id}` }).click();
  await page.getByText('1 event is sent again').waitFor();
  const sentBefore = receiver.ids().length;
  await serve(broker, id);
  expect(receiver.ids().slice(sentBefore)).toContain(first?.id);
  await page.getByRole('dialog').getByRole('combobox', { name: 'Status' }).click();
  await page.getByRole('option', { name: 'Given up' }).click();
  await page.getByText('No delivery passes the filter.').waitFor();
  await page.keyboard.press('Escape');

  await choose(portal, 'Ticket system', 'Send events again');
  const today = new Date().toISOString().slice(0, 10);
  await page.getByLabel('From (UTC)').fill(today);
  await page.getByLabel('To (UTC)').fill(today);
  await portal.look('replay-events');
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('3 events are sent again').waitFor();
  await close(portal);
  await choose(portal, 'Ticket system', 'Send events again');
  await page.getByText('By their ids').click();
  await page.getByLabel('Event ids').fill(`${second?.id}\n`);
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('1 event is sent again').waitFor();
  await portal.close();
});

test('who may read events but not manage them sees webhooks and deliveries, and no action; on a phone each is a card', async () => {
  const reader = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await webhooksAs(reader.email);
  const { page } = portal;
  await page.getByRole('button', { name: 'Ticket system', exact: true }).click();
  await page.getByRole('table', { name: 'Deliveries' }).getByText('key.revoked').first().waitFor();
  expect(await page.getByRole('button', { name: /Create|Actions|Send/ }).count()).toBe(0);
  await portal.close();

  const cookie = await sessionCookie(broker.url, root.email);
  const window = { width: 360, height: 800, colorScheme: 'dark' } as const;
  const narrow = await openPortal(browser, broker.url, '/webhooks', window, [cookie]);
  await row(narrow, 'Ticket system').waitFor();
  expect(await narrow.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await narrow.look('narrow-dark-webhooks');
  await narrow.page.getByRole('button', { name: 'Ticket system', exact: true }).click();
  await narrow.page.getByRole('table', { name: 'Deliveries' }).getByText('key.revoked').first().waitFor();
  await narrow.look('narrow-dark-webhook-details');
  await narrow.close();
});
