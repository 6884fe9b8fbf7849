import { expect, test } from 'vitest';
import { keysPath, mint } from '../support/keys.ts';
import { reportLeak, withReporter } from '../support/leaks.ts';
import { platformUserWith } from '../support/platform-users.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite(withReporter);

const verdictOf = async (key: string) =>
  (await broker.call(`POST ${keysPath}/verify`, { body: { key } })).body.code as string;

test('a reported key is shown with the place of the leak, and released; readers see no button', async () => {
  const [alarm, leaked] = [await mint(broker, { name: 'A false alarm' }), await mint(broker)];
  const url = 'https://github.com/o/r/blob/main/app.env';
  await reportLeak(broker, { token: alarm.key, url }, { token: leaked.key, source: 'content' });
  const viewer = await platformUserWith(broker, root, ['platform:hidden_keys:read']);

  const looking = await openAs(viewer.email, '/leaks', 'Leaks');
  await looking.page.getByRole('table', { name: 'Keys in quarantine' }).getByText(alarm.key_prefix).waitFor();
  expect(await looking.page.getByRole('button', { name: 'Release' }).count()).toBe(0);
  expect(await looking.page.getByRole('table', { name: 'Reports of leaked keys' }).count()).toBe(0);
  await looking.close();

  const portal = await openAs(root.email, '/leaks', 'Leaks');
  const { page } = portal;
  const held = page.getByRole('table', { name: 'Keys in quarantine' });
  const reports = page.getByRole('table', { name: 'Reports of leaked keys' });
  await held
    .getByRole('row')
    .filter({ hasText: leaked.key_prefix })
    .getByText(/in \d+ minutes/)
    .waitFor();
  await reports.getByText(url).waitFor();
  expect(await reports.getByText('Quarantined').count()).toBe(2);
  await portal.look('leaks');
  await page.getByRole('button', { name: `Release ${alarm.key_prefix}` }).click();
  const dialog = page.getByRole('dialog');
  await portal.look('release-key');
  await dialog.getByRole('button', { name: `Release ${alarm.key_prefix}` }).click();
  await dialog.getByText('Every verifier accepts it again.').waitFor();
  expect([await verdictOf(alarm.key), await verdictOf(leaked.key)]).toEqual(['VALID', 'QUARANTINED']);
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await held.getByText(alarm.key_prefix).waitFor({ state: 'detached' });
  await held.getByText(leaked.key_prefix).waitFor();
  expect(await page.content()).not.toContain(leaked.key.slice(leaked.key_prefix.length));
  await portal.close();
});
