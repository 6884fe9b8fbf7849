import { expect, test } from 'vitest';
import { mint } from '../support/keys.ts';
import { tenantKey } from '../support/platform-callers.ts';
import { platformUser, platformUserWith } from '../support/platform-users.ts';
import type { Portal } from './browser.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const box = ({ page }: Portal) => page.getByRole('textbox', { name: 'Go to' });

async function open(portal: Portal): Promise<void> {
  await portal.page.keyboard.press('Control+k');
  await box(portal).waitFor();
}

test('a pasted key, its beginning, an id, a user and a trace id lead to their views', async () => {
  const hidden = await mint(broker);
  const { id, secret } = await tenantKey(broker, 'org_sought', { name: 'Sought' });
  const refused = await broker.call('POST /api/v1/platform/tenants', {
    as: null,
    headers: {
      ...(await platformUser(broker, root, ['role_platform_viewer'])).headers,
      'x-request-id': 'req_refused0001',
    },
    body: { name: 'x' },
  });
  expect(refused.status).toBe(403);
  const portal = await openAs(root.email, '/audit', 'Audit');
  const { page } = portal;
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  const prefix = secret.slice(0, 'flkey_'.length + 8);
  for (const [text, address, shown] of [
    [hidden.key, `/hidden-keys?prefix=${hidden.key_prefix}`, hidden.key_prefix],
    [hidden.key_id, `/hidden-keys?key=${hidden.key_id}`, hidden.user_id],
    [hidden.user_id, `/hidden-keys?user_id=${hidden.user_id}`, hidden.key_prefix],
    [secret, `/api-keys?name=${prefix}`, 'Sought'],
    [id, `/api-keys?key=${id}`, 'Recent audit events'],
    ['org_sought', '/tenants?tenant=org_sought', 'Its own keys'],
    ['req_refused0001', '/audit?request_id=req_refused0001', 'was refused provisionTenant'],
  ] as const) {
    await open(portal);
    await box(portal).fill(text);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**${address}`);
    await page.getByText(shown).first().waitFor();
    await page.goto(`${broker.url}/platform/audit`);
    await page.getByRole('heading', { name: 'Audit' }).waitFor();
  }
  for (const whole of [hidden.key.slice(hidden.key_prefix.length), secret.slice(prefix.length)]) {
    expect(addresses.filter((address) => address.includes(whole))).toEqual([]);
  }
  await portal.close();
});

test('a view is found by its name, and Escape closes the box', async () => {
  const portal = await openAs(root.email, '/audit', 'Audit');
  const { page } = portal;
  await page.getByRole('button', { name: 'Go to' }).click();
  await box(portal).fill('tena');
  await portal.look('go-to');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Tenants' }).waitFor();
  await open(portal);
  await page.keyboard.press('Escape');
  await box(portal).waitFor({ state: 'detached' });
  await portal.close();
});

test('nothing is offered that one may not see', async () => {
  const reader = await platformUserWith(broker, root, ['platform:keys:read']);
  const portal = await openAs(reader.email, '/api-keys', 'API Keys');
  await open(portal);
  await box(portal).fill('flk_0000000000000000000000');
  const offered = portal.page.getByRole('dialog').getByRole('button');
  await offered.first().waitFor();
  expect(await offered.allTextContents()).toEqual(['API keys named flk_0000000000000000000000']);
  await portal.close();
});
