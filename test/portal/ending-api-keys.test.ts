import { describe, expect, test } from 'vitest';
import { register } from '../http/verifiers/verifier-calls.ts';
import { platformKey } from '../support/platform-callers.ts';
import { bearer, choose, row, statusOf } from './api-key-steps.ts';
import { openSite } from './site.ts';
import { overhear } from './whereabouts.ts';

const { broker, root, openAs } = await openSite();

const keysAs = (email: string, view = '/api-keys') => openAs(email, view, 'API Keys');

describe('Revoking an API Key', () => {
  test('Click Revoke from the actions dropdown: it asks by name, and the key stops at once', async () => {
    const key = await platformKey(broker, undefined, { name: 'To revoke' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To revoke', 'Revoke');
    await portal.look('revoke-api-key');
    await portal.page.getByRole('button', { name: 'Revoke To revoke' }).click();
    await portal.page.getByText('No verifier anywhere accepts the key any more.').waitFor();
    expect(await statusOf(broker, key.headers)).toBe(401);
    await portal.page.getByRole('button', { name: 'Close' }).last().click();
    await row(portal, 'To revoke').getByText('Revoked').waitFor();
    await portal.close();
  });

  test('one that was used in the last 7 days is warned of, another one is not', async () => {
    const used = await platformKey(broker, undefined, { name: 'In use' });
    await platformKey(broker, undefined, { name: 'Left alone' });
    await statusOf(broker, used.headers);
    await broker.settleUsage();
    const portal = await keysAs(root.email);
    const warning = portal.page.getByRole('alert').getByText('Still in use');
    await choose(portal, 'Left alone', 'Revoke');
    await portal.page.getByRole('dialog').getByText('It can no longer authenticate').waitFor();
    expect(await warning.count()).toBe(0);
    await portal.page.getByRole('button', { name: 'Cancel' }).click();
    await choose(portal, 'In use', 'Revoke');
    await warning.waitFor();
    await portal.close();
  });

  test('who only asks, and cancels, has revoked nothing', async () => {
    const key = await platformKey(broker, undefined, { name: 'To keep' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To keep', 'Revoke');
    await portal.page.getByRole('button', { name: 'Cancel' }).click();
    await portal.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await statusOf(broker, key.headers)).toBe(200);
    await portal.close();
  });
});

describe('Rotating an API Key', () => {
  test('the old one stops at once, the new one works; it is shown once and nowhere after that', async () => {
    const key = await platformKey(broker, undefined, { name: 'To rotate' });
    const portal = await keysAs(root.email);
    const { page } = portal;
    const overheard = await overhear(portal);
    await choose(portal, 'To rotate', 'Rotate');
    await page.getByRole('button', { name: 'Rotate To rotate' }).click();
    const secret = (await page.locator('pre').textContent()) ?? '';
    expect(await statusOf(broker, key.headers)).toBe(401);
    expect(await statusOf(broker, bearer(secret))).toBe(200);
    await page.getByRole('button', { name: 'I have stored it' }).click();
    await page.getByText('No verifier anywhere accepts the key any more.').waitFor();
    await overheard.expectGone(secret);
    await page.getByRole('button', { name: 'Close' }).last().click();
    await overheard.expectForgotten(secret);
    await page.reload();
    await row(portal, 'To rotate').first().waitFor();
    await overheard.expectGone(secret);
    await portal.close();
  });
});

describe('Deleting an API Key', () => {
  test('Click Delete: it asks by name, and the row is gone for good', async () => {
    const key = await platformKey(broker, undefined, { name: 'To delete' });
    const portal = await keysAs(root.email);
    await choose(portal, 'To delete', 'Delete');
    await portal.page.getByRole('button', { name: 'Delete To delete' }).click();
    await row(portal, 'To delete').waitFor({ state: 'detached' });
    expect(await statusOf(broker, key.headers)).toBe(401);
    const query = broker.db.selectFrom('api_keys').select('id').where('id', '=', key.id);
    expect(await query.execute()).toEqual([]);
    await portal.close();
  });
});

describe('while a verifier has stopped', () => {
  test.each([
    ['Revoke', 'revoked'],
    ['Rotate', 'rotated'],
    ['Delete', 'deleted'],
  ])('%s says that it is not certain everywhere yet, and from when on it is', async (action, done) => {
    const name = `Pending ${action}`;
    const key = await platformKey(broker, undefined, { name });
    // Takes part, holds a lease, and never says that it has heard of anything.
    const { master_key_id: waitsFor } = await register(broker);
    const portal = await keysAs(root.email);
    const { page } = portal;
    await choose(portal, name, action);
    const answered = page.waitForResponse((response) => response.url().includes(key.id));
    await page.getByRole('button', { name: `${action} ${name}` }).click();
    const { propagation, propagation_detail } = await (await answered).json();
    expect(propagation).toBe('pending');
    if (action === 'Rotate') await page.getByRole('button', { name: 'I have stored it' }).click();
    const told = page.getByRole('status').filter({ hasText: `${name} is ${done}` });
    await told.waitFor();
    const until = await page.evaluate(
      (time) => new Date(time).toLocaleTimeString(),
      propagation_detail.effective_by as string,
    );
    expect(await told.textContent()).toBe(
      `${name} is ${done}, not everywhere yetSome verifier could not be reached. It is certain by ${until} at the latest. It waits for ${waitsFor}.`,
    );
    expect(await page.getByText('No verifier anywhere accepts the key any more.').count()).toBe(0);
    // The broker itself says no at once.
    expect(await statusOf(broker, key.headers)).toBe(401);
    if (action === 'Revoke') await portal.look('revoke-pending');
    await portal.close();
  });
});
