import { expect, test } from 'vitest';
import { seal, writeEvents } from '../support/audit-chain.ts';
import { organization } from '../support/platform-callers.ts';
import { platformUser } from '../support/platform-users.ts';
import { openPortal, sessionCookie } from './browser.ts';
import { openSite } from './site.ts';

const { broker, browser, root, openAs } = await openSite();

async function write(changed: Parameters<typeof writeEvents>[2] = {}): Promise<void> {
  await writeEvents(broker.db, 1, changed);
  await seal(broker.db, broker.api.parts.keyring);
}

test('new events appear by themselves; a pause keeps them for later, and filters narrow what comes', async () => {
  const reader = await platformUser(broker, root, ['role_platform_viewer']);
  await organization(broker, 'org_watched');
  await seal(broker.db, broker.api.parts.keyring);
  const portal = await openAs(reader.email, '/events', 'Events');
  const { page } = portal;
  const rows = page.getByRole('table', { name: 'Events' }).locator('tbody tr');
  await page.getByText('No event yet.').waitFor();
  await write({ targetId: 'flk_first' });
  await rows.filter({ hasText: 'flk_first' }).getByText('key.revoked').waitFor();
  await rows.filter({ hasText: 'flk_first' }).getByText('JSON').click();
  await page.getByText('"event_id"').waitFor();
  await portal.look('events');

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused after').waitFor();
  const shown = await rows.count();
  await write({ targetId: 'flk_meanwhile' });
  expect(await rows.count()).toBe(shown);
  await page.getByRole('button', { name: 'Go on' }).click();
  await rows.filter({ hasText: 'flk_meanwhile' }).waitFor();
  expect(await rows.first().textContent()).toContain('flk_meanwhile');

  await page.getByRole('combobox', { name: 'Types' }).fill('key.expired');
  await page.getByRole('option', { name: 'key.expired', exact: true }).click();
  await page.keyboard.press('Escape');
  await page.waitForURL('**/events?types=key.expired');
  await page.goto(`${page.url()}&organization_id=org_watched`);
  await page.getByText('No event yet.').waitFor();
  await write({ targetId: 'flk_other_type' });
  await write({ eventType: 'key.expired', targetId: 'flk_other_tenant' });
  await write({ eventType: 'key.expired', targetId: 'flk_wanted', organizationId: 'org_watched' });
  await rows.filter({ hasText: 'flk_wanted' }).waitFor();
  expect(await rows.count()).toBe(1);
  await portal.close();

  const cookie = await sessionCookie(broker.url, root.email);
  const window = { width: 360, height: 800, colorScheme: 'dark' } as const;
  const narrow = await openPortal(browser, broker.url, '/events', window, [cookie]);
  await narrow.page.getByText('No event yet.').waitFor();
  await write({ targetId: 'flk_on_a_phone' });
  await narrow.page.getByText('flk_on_a_phone').waitFor();
  expect(await narrow.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await narrow.look('narrow-dark-events');
  await narrow.close();
});
