import { expect, test } from 'vitest';
import { idFloor } from '../../src/domain/ids.ts';
import { runBulkOrders } from '../../src/usecases/user-keys/run-bulk-orders.ts';
import { codesOf, getKey, type Minted, mint, newOwner } from '../support/keys.ts';
import { platformUser } from '../support/platform-users.ts';
import { query } from '../support/query.ts';
import { openSite } from './site.ts';

const { broker, root, openAs } = await openSite();

const hiddenKeysAs = (email: string, view = '/hidden-keys') => openAs(email, view, 'Hidden Keys');

async function mintSeveral(count: number, body: object = {}): Promise<{ org: string; keys: Minted[] }> {
  const { organization_id: org } = newOwner();
  const keys = [];
  for (let made = 0; made < count; made++) {
    keys.push(await mint(broker, { organization_id: org, ...body }));
  }
  return { org, keys };
}

test('the list is narrowed by scope, use and days, and an address keeps it', async () => {
  const { org, keys } = await mintSeveral(1, { scopes: ['reports'] });
  const other = await mint(broker, { organization_id: org });
  const portal = await hiddenKeysAs(root.email, `/hidden-keys?organization_id=${org}`);
  const { page } = portal;
  const row = ({ key_prefix }: Minted) => page.getByRole('row').filter({ hasText: key_prefix });
  await row(other).waitFor();
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByLabel('Scope').fill('reports');
  await row(other).waitFor({ state: 'detached' });
  await row(keys[0] as Minted).waitFor();
  await portal.look('hidden-keys-filters');
  await page.getByLabel('Created before (UTC)').fill('2020-01-01');
  await page.getByText('No key here.').waitFor();
  expect(page.url()).toContain('scope=reports');
  await page.reload();
  expect(await page.getByLabel('Created before (UTC)').inputValue()).toBe('2020-01-01');
  await portal.close();
});

test('all keys of a filter are shown, then revoked with their reason, and nothing else', async () => {
  const { org, keys } = await mintSeveral(3);
  const other = await mint(broker);
  const portal = await hiddenKeysAs(root.email, '/hidden-keys');
  const { page } = portal;
  expect(await page.getByRole('button', { name: 'Change all of them…' }).isDisabled()).toBe(true);
  await page.goto(`${broker.url}/platform/hidden-keys?organization_id=${org}`);
  await page.getByRole('button', { name: 'Change all of them…' }).click();
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Revoke keys' }).isDisabled()).toBe(true);
  await dialog.getByRole('combobox', { name: 'Reason' }).click();
  await page.getByRole('option', { name: 'Its owner left' }).click();
  await dialog.getByRole('button', { name: 'Show the keys' }).click();
  await dialog.getByRole('status').filter({ hasText: '3 keys' }).waitFor();
  expect(await dialog.getByRole('table', { name: 'Keys of the order' }).getByRole('row').count()).toBe(4);
  await portal.look('bulk-order');
  expect(await codesOf(broker, keys)).toEqual(['VALID', 'VALID', 'VALID']);
  await dialog.getByRole('button', { name: 'Revoke 3 keys' }).click();
  await dialog.getByText('3 keys revoked').waitFor();
  expect(await codesOf(broker, [...keys, other])).toEqual(['REVOKED', 'REVOKED', 'REVOKED', 'VALID']);
  expect((await getKey(broker, keys[0]?.key_id ?? '')).body.revoked_reason).toBe('owner_left');
  await portal.close();
});

test('an order is refused when a key came in after it was shown, and can be shown again', async () => {
  const { org, keys } = await mintSeveral(1);
  const portal = await hiddenKeysAs(root.email, `/hidden-keys?organization_id=${org}`);
  const { page } = portal;
  await page.getByRole('button', { name: 'Change all of them…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Show the keys' }).click();
  await dialog.getByRole('status').filter({ hasText: '1 key' }).waitFor();
  const late = await mint(broker, { organization_id: org });
  await dialog.getByRole('button', { name: 'Revoke 1 key' }).click();
  await dialog.getByText('not the ones of the preview').waitFor();
  expect(await codesOf(broker, [...keys, late])).toEqual(['VALID', 'VALID']);
  await dialog.getByRole('button', { name: 'Show the keys again' }).click();
  await dialog.getByRole('button', { name: 'Revoke 2 keys' }).click();
  await dialog.getByText('2 keys revoked').waitFor();
  await portal.close();
});

test('the progress of a job is shown, and it can be cancelled', async () => {
  const { org } = await mintSeveral(1);
  const ids = Array.from(
    { length: 600 },
    (_, index) => `${idFloor('key', new Date(Date.now() - index))}1${String(index).padStart(12, '0')}`,
  );
  await query(
    broker.config.DATABASE_URL,
    `INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata,
       scopes, created_at, updated_at)
     SELECT id, id, 'p1', convert_to(id, 'UTF8'), 'fl_user_test_x', 'many_' || n, $2, 'test', '{}', '{}', now(), now()
     FROM unnest($1::text[]) WITH ORDINALITY AS given (id, n)`,
    [ids, org],
  );
  const portal = await hiddenKeysAs(root.email, `/hidden-keys?organization_id=${org}`);
  const { page } = portal;
  const disableAll = async () => {
    await page.getByRole('button', { name: 'Change all of them…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Action' }).click();
    await page.getByRole('option', { name: 'Disable' }).click();
    await dialog.getByRole('button', { name: 'Show the keys' }).click();
    await dialog.getByRole('button', { name: 'Disable 601 keys' }).click();
    return dialog;
  };
  const cancelled = await disableAll();
  await cancelled.getByText('Waiting for the worker: 0 of 601 keys.').waitFor();
  await cancelled.getByRole('button', { name: 'Cancel the job' }).click();
  await cancelled.getByText('Cancelled.').waitFor();
  await portal.look('bulk-job');
  await cancelled.getByText('Close', { exact: true }).click();
  await cancelled.waitFor({ state: 'detached' });
  expect(await runBulkOrders(broker.api.parts)).toBe(0);
  const completed = await disableAll();
  await completed.getByText('Waiting for the worker').waitFor();
  await runBulkOrders(broker.api.parts);
  await completed.getByText('Completed: 601 of 601 keys.').waitFor();
  await portal.close();
});

test('a viewer is offered no such order', async () => {
  const { org, keys } = await mintSeveral(1);
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  const portal = await hiddenKeysAs(viewer.email, `/hidden-keys?organization_id=${org}`);
  const { page } = portal;
  await page
    .getByRole('row')
    .filter({ hasText: keys[0]?.key_prefix ?? '' })
    .waitFor();
  expect(await page.getByRole('button', { name: 'Change all of them…' }).count()).toBe(0);
  await portal.close();
});
