import { describe, expect, test } from 'vitest';
import { goodPassword, platformUser } from '../support/platform-users.ts';
import { bearer, row, statusOf } from './api-key-steps.ts';
import { field, labels, type Portal } from './browser.ts';
import { openSite } from './site.ts';
import { overhear } from './whereabouts.ts';

const { broker, root, openAs } = await openSite();

async function openDialog(email = root.email) {
  const portal = await openAs(email, '/api-keys', 'API Keys');
  await portal.page.getByRole('button', { name: 'Create API Key' }).click();
  const dialog = portal.page.getByRole('dialog');
  const submit = () => dialog.getByRole('button', { name: 'Create API Key' }).click();
  await field(dialog, 'name').waitFor();
  return { portal, page: portal.page, dialog, submit };
}

type Dialog = Awaited<ReturnType<typeof openDialog>>['dialog'];

async function addScope({ page }: Portal, dialog: Dialog, scope: string): Promise<void> {
  await dialog.getByRole('combobox', { name: 'Scopes' }).fill(scope);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
}

async function pick({ page }: Portal, dialog: Dialog, expiration: string): Promise<void> {
  await dialog.getByRole('combobox', { name: 'Expiration' }).click();
  await page.getByRole('option', { name: expiration, exact: true }).click();
}

/** Reads the secret off its dialog and closes that. */
async function takeSecret({ page }: Portal): Promise<string> {
  await page.getByText('It cannot be retrieved later.').waitFor();
  const secret = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
  await page.getByRole('button', { name: 'I have stored it' }).click();
  return secret;
}

const stored = async (name: string) => {
  const query = broker.db.selectFrom('api_keys').where('name', '=', name);
  return query.select(['name', 'description', 'scopes', 'role_ids', 'expires_at']).executeTakeFirstOrThrow();
};

const day = (time: Date | null | undefined) => Math.round(((time?.getTime() ?? 0) - Date.now()) / 86_400_000);

describe('Creating an API Key', () => {
  test('asks for Name, Description, Scopes and Expiration, and marks what is required', async () => {
    const { portal, dialog } = await openDialog();
    expect(await labels(dialog)).toEqual(['Name *', 'Description', 'Scopes *', 'Roles *', 'Expiration']);
    await portal.look('create-api-key');
    await portal.close();
  });

  test('Name is required, Description is not, and both are kept', async () => {
    const { portal, dialog, submit } = await openDialog();
    await addScope(portal, dialog, 'read');
    expect(await field(dialog, 'name').getAttribute('required')).not.toBeNull();
    await submit();
    expect(await portal.page.getByText('Copy it now').count()).toBe(0);
    await field(dialog, 'name').fill('Without a description');
    await submit();
    await takeSecret(portal);
    expect(await stored('Without a description')).toMatchObject({ description: null });
    await portal.page.getByRole('button', { name: 'Create API Key' }).click();
    await field(dialog, 'name').fill('Described');
    await dialog.getByLabel('Description').fill('Made in a browser');
    await addScope(portal, dialog, 'read');
    await submit();
    await takeSecret(portal);
    await row(portal, 'Described').getByText('Made in a browser').waitFor();
    await portal.close();
  });

  test('Scopes are required: read, write, admin, or others of one’s own', async () => {
    const { portal, dialog, submit } = await openDialog();
    await field(dialog, 'name').fill('Scoped');
    const scopes = dialog.getByRole('combobox', { name: 'Scopes' });
    expect(await scopes.getAttribute('required')).not.toBeNull();
    await submit();
    await scopes.click();
    expect(await portal.page.getByRole('option').allTextContents()).toEqual(['read', 'write', 'admin']);
    await addScope(portal, dialog, 'write');
    await addScope(portal, dialog, 'reports:nightly');
    await submit();
    await takeSecret(portal);
    expect((await stored('Scoped')).scopes).toEqual(['write', 'reports:nightly']);
    await portal.close();
  });

  test.each([
    ['7 days', 7],
    ['30 days', 30],
    ['90 days', 90],
    ['1 year', 365],
    ['Never', null],
  ])('Expiration: %s', async (label, days) => {
    const { portal, dialog, submit } = await openDialog();
    await field(dialog, 'name').fill(`Expires ${label}`);
    await addScope(portal, dialog, 'read');
    await pick(portal, dialog, label);
    await submit();
    await takeSecret(portal);
    const { expires_at } = await stored(`Expires ${label}`);
    expect(expires_at === null ? null : day(expires_at)).toBe(days);
    await portal.close();
  });

  test('Expiration on a chosen date lasts to the end of that day in UTC, is shown as that day, and one that is over is refused there', async () => {
    const { portal, page, dialog, submit } = await openDialog();
    // Fourteen hours before UTC it is the next day already.
    const timezone = await page.context().newCDPSession(page);
    await timezone.send('Emulation.setTimezoneOverride', { timezoneId: 'Pacific/Kiritimati' });
    await field(dialog, 'name').fill('Dated');
    await addScope(portal, dialog, 'read');
    await pick(portal, dialog, 'On a date');
    await dialog.getByLabel('Last day').fill('2020-02-29');
    await submit();
    await dialog.getByText('must lie in the future').waitFor();
    await portal.look('create-api-key-refused');
    const year = new Date().getFullYear() + 1;
    await dialog.getByLabel('Last day').fill(`${year}-02-28`);
    await submit();
    await takeSecret(portal);
    await row(portal, 'Dated').getByText(`28 Feb ${year}`).waitFor();
    expect((await stored('Dated')).expires_at?.toISOString()).toBe(`${year}-03-01T00:00:00.000Z`);
    await portal.close();
  });

  test('a platform key gets the roles that are chosen, among those that its maker holds; no more than reading unless asked', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const { portal, dialog, submit } = await openDialog(admin.email);
    await dialog.getByLabel('read-only').waitFor();
    const roles = dialog.getByRole('checkbox');
    expect(await roles.evaluateAll((all) => all.map((role) => role.getAttribute('value')))).toEqual([
      'role_platform_operator',
      'role_platform_viewer',
    ]);
    expect(await dialog.getByRole('checkbox', { name: 'admin', exact: true }).isChecked()).toBe(false);
    expect(await dialog.getByLabel('read-only').isChecked()).toBe(true);
    await field(dialog, 'name').fill('Reads only');
    await addScope(portal, dialog, 'read');
    await dialog.getByLabel('read-only').uncheck();
    await submit();
    await dialog.getByText('choose at least one').waitFor();
    await dialog.getByLabel('read-only').check();
    await submit();
    const secret = await takeSecret(portal);
    expect((await stored('Reads only')).role_ids).toEqual(['role_platform_viewer']);
    expect(await statusOf(broker, bearer(secret))).toBe(200);
    const { status } = await broker.call('GET /api/v1/platform/users', { as: null, headers: bearer(secret) });
    expect(status).toBe(403);
    await portal.close();
  });

  test('a super-admin may give a key any role', async () => {
    const { portal, dialog } = await openDialog();
    for (const name of ['super-admin', 'admin', 'read-only']) {
      await dialog.getByRole('checkbox', { name, exact: true }).waitFor();
    }
    await portal.close();
  });
});

describe('the full API key is only shown once at creation', () => {
  test('it works; then it is in no storage, address, history, console, second render, and in no answer but the first', async () => {
    const { portal, page, dialog, submit } = await openDialog();
    const overheard = await overhear(portal);
    await field(dialog, 'name').fill('Shown once');
    await addScope(portal, dialog, 'read');
    await submit();
    await page.getByText('It cannot be retrieved later.').waitFor();
    await portal.look('api-key-shown-once');
    const secret = await takeSecret(portal);
    expect(secret).toMatch(/^flplatform_/);
    expect(await statusOf(broker, bearer(secret))).toBe(200);

    await row(portal, 'Shown once').waitFor();
    await overheard.expectGone(secret);
    await overheard.expectForgotten(secret);
    await page.getByRole('button', { name: 'Shown once', exact: true }).click();
    await page.getByText('Usage history').waitFor();
    await page.reload();
    await page.getByText('Usage history').waitFor();
    await overheard.expectGone(secret);
    await page.goBack();
    await row(portal, 'Shown once').waitFor();
    await overheard.expectGone(secret);
    await portal.close();
  });

  test('neither a slip on Escape nor a click beside nor a reload nor the end of the session loses it', async () => {
    const admin = await platformUser(broker, root, ['role_platform_operator']);
    const { portal, page, dialog, submit } = await openDialog(admin.email);
    await field(dialog, 'name').fill('Careful');
    await addScope(portal, dialog, 'admin');
    await submit();
    await page.getByText('Copy it now').waitFor();
    await page.keyboard.press('Escape');
    await page.mouse.click(2, 2);
    expect(await page.getByText('Copy it now').isVisible()).toBe(true);
    const asked = page.waitForEvent('dialog');
    // `page.reload` would wait for the page that is not loaded.
    await page.evaluate('setTimeout(() => location.reload())');
    const question = await asked;
    expect(question.type()).toBe('beforeunload');
    await question.dismiss();
    await page.evaluate(
      "fetch('/api/v1/platform/auth/logout', { method: 'POST', headers: { 'X-Flowplate-Portal': '1' } })",
    );
    // As if one came back to the tab, which asks anew for what is older than five seconds.
    await page.evaluate("void setInterval(() => window.dispatchEvent(new Event('visibilitychange')), 500)");
    const logIn = page.getByRole('dialog', { name: 'Your session has ended' });
    await field(logIn, 'email').fill(admin.email);
    await field(logIn, 'password').fill(goodPassword);
    await logIn.getByRole('button', { name: 'Log in' }).click();
    await logIn.waitFor({ state: 'detached' });
    expect(await statusOf(broker, bearer(await takeSecret(portal)))).toBe(200);
    await portal.close();
  });
});
