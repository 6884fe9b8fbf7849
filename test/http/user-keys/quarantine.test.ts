import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expireDueKeys } from '../../../src/usecases/user-keys/expire-due-keys.ts';
import { stopKeys } from '../../../src/usecases/user-keys/stop-keys.ts';
import { tidyStops } from '../../../src/usecases/user-keys/tidy-stops.ts';
import { callAs } from '../../support/api-keys.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import {
  codesOf,
  getKey,
  keysPath,
  type Minted,
  mint,
  refresh,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { reportLeak, withReporter } from '../../support/leaks.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { callerWith } from '../../support/use-case-parts.ts';

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker(withReporter);
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

async function quarantined(body: object = {}): Promise<Minted> {
  const minted = await mint(broker, body);
  expect((await reportLeak(broker, minted.key)).status).toBe(200);
  return minted;
}

const release = (keyId: string, options = {}) => broker.call(`POST ${keysPath}/${keyId}/release`, options);
const code = async (key: string) => (await verify(broker, key)).code;

/** As if the report had been longer ago. */
async function passTime(keyId: string, ms: number): Promise<void> {
  const { quarantined_until, revision } = await broker.db
    .selectFrom('api_keys')
    .select(['quarantined_until', 'revision'])
    .where('id', '=', keyId)
    .executeTakeFirstOrThrow();
  const sooner = new Date((quarantined_until as Date).getTime() - ms);
  await broker.db
    .updateTable('api_keys')
    .set({ quarantined_until: sooner, revision: revision + 1 })
    .where('id', '=', keyId)
    .execute();
}
const hour = 3_600_000;
const eventsAbout = async (id: string) => {
  const rows = await broker.db
    .selectFrom('audit_events')
    .select('event_type')
    .where('target_id', '=', id)
    .execute();
  return rows.map(({ event_type }) => event_type).sort();
};

test('a quarantined key is refused by every process and at every endpoint', async () => {
  const minted = await mint(broker);
  for (const at of [broker, replica]) expect((await verify(at, minted.key)).code).toBe('VALID');
  await reportLeak(broker, minted.key);
  for (const at of [broker, replica]) {
    expect(await verify(at, minted.key)).toEqual({ valid: false, code: 'QUARANTINED' });
    const headers = { authorization: `Bearer ${minted.key}` };
    const forward = await at.call('GET /v1/flowplate/authz', { headers });
    expect(forward.status).toBe(401);
    expect(forward.headers.get('www-authenticate')).toContain('invalid_token');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = `token=${minted.key}`;
    expect((await at.call('POST /v1/flowplate/introspect', { body, headers: form })).body).toEqual({
      active: false,
    });
  }
  const { body } = await getKey(broker, minted.key_id);
  expect(body).toMatchObject({ status: 'quarantined', revoked_at: null, revoked_reason: null });
  expect(Date.parse(body.quarantined_until) - Date.now()).toBeGreaterThan(hour - 60_000);
  const listed = await broker.call(`GET ${keysPath}?status=quarantined&user_id=${minted.user_id}`);
  expect(listed.body.data).toEqual([body]);
});

test('every check of a quarantined key is explained: disabled goes before, expired behind', async () => {
  const { key_id } = await quarantined({ ttl_seconds: 600 });
  const explain = async (asked = {}) =>
    (await broker.call(`POST ${keysPath}/${key_id}/explain`, { body: asked })).body;
  expect(await explain()).toMatchObject({ code: 'QUARANTINED' });
  expect(await explain({ at: new Date(Date.now() + 700_000).toISOString() })).toMatchObject({
    code: 'QUARANTINED',
  });
  const afterwards = await explain({ at: new Date(Date.now() + hour).toISOString() });
  expect(afterwards).toMatchObject({ code: 'REVOKED' });
});

test('what does not know the state reads a revoked key', async () => {
  const { key_id } = await quarantined();
  const row = broker.db.selectFrom('api_keys').select(['status', 'revoked_reason']).where('id', '=', key_id);
  expect(await row.executeTakeFirst()).toEqual({ status: 'revoked', revoked_reason: 'key_compromise' });
});

describe('a release', () => {
  test('within the hour makes the key what it was, in every process', async () => {
    const { key, key_id } = await quarantined({ name: 'ours', scopes: ['read'] });
    const answer = await release(key_id);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'active',
        name: 'ours',
        quarantined_until: null,
        revoked_reason: null,
        propagation: 'complete',
      },
    });
    for (const at of [broker, replica]) expect((await verify(at, key)).code).toBe('VALID');
    expectError(await release(key_id), 409, 'KEY_NOT_QUARANTINED');
    expect(await eventsAbout(key_id)).toEqual([
      'key.leaked',
      'key.minted',
      'key.quarantined',
      'key.released',
    ]);
  });

  test('keeps its reason in the audit log, and takes no other word', async () => {
    const { key_id } = await quarantined();
    expectViolations(await release(key_id, { body: { reason: 'key_compromise' } }), 'reason');
    expect((await release(key_id, { body: { reason: 'used_in_tests' } })).status).toBe(200);
    const events = await auditEventsOf(broker, { targetId: key_id });
    expect(events.find(({ event_type }) => event_type === 'key.released')?.details).toMatchObject({
      reason: 'used_in_tests',
    });
  });

  test('gives a key in its grace its grace back', async () => {
    const old = await mint(broker);
    const successor = await refreshed(broker, old, { grace_period_seconds: 3_600 });
    await reportLeak(broker, old.key);
    expect(await codesOf(broker, [old, successor])).toEqual(['QUARANTINED', 'VALID']);
    expect((await release(old.key_id)).body.status).toBe('superseded');
    expect(await codesOf(broker, [old, successor])).toEqual(['SUPERSEDED', 'VALID']);
  });

  test('is refused from the instant in which the hour is over, without a sweep; one sweep writes it down', async () => {
    const { key_id } = await quarantined();
    await passTime(key_id, hour);
    expectError(await release(key_id), 409, 'KEY_NOT_QUARANTINED');
    const shown = { status: 'revoked', revoked_reason: 'key_compromise', quarantined_until: null };
    expect((await getKey(broker, key_id)).body).toMatchObject(shown);
    await passTime(key_id, 120_000);
    for (let run = 0; run < 2; run++) await expireDueKeys({ db: broker.db, randomBytes });
    expect((await getKey(broker, key_id)).body).toMatchObject({ ...shown, revoked_at: expect.any(String) });
    expect(await eventsAbout(key_id)).toEqual(['key.leaked', 'key.minted', 'key.quarantined', 'key.revoked']);
  });

  test('is refused when the owner has got another key meanwhile', async () => {
    const leaked = await quarantined();
    const { user_id, organization_id } = leaked;
    const other = await mint(broker, { user_id, organization_id });
    const details = expectError(await release(leaked.key_id), 409, 'KEY_ALREADY_EXISTS');
    expect(details).toEqual({ key_id: other.key_id });
    expect(await codesOf(broker, [leaked, other])).toEqual(['QUARANTINED', 'VALID']);
  });

  test('is for callers who see the key', async () => {
    const { key_id } = await quarantined();
    const narrow = await broker.createMasterKey({ organizationIds: ['org_none'] });
    expectError(await release(key_id, { as: narrow.secret }), 404, 'KEY_NOT_FOUND');
    const operator = await platformKey(broker);
    const path = `/api/v1/platform/hidden-keys/${key_id}/release`;
    expect((await callAs(broker, operator.headers, `POST ${path}`)).body.status).toBe('active');
  });
});

describe('after it a release finds no quarantine:', () => {
  test.each<[string, (key: Minted) => Promise<unknown>]>([
    ['a revoke of the key', ({ key_id }) => revoke(broker, key_id)],
    [
      "a revoke of the owner's keys",
      (key) => broker.call(`DELETE ${keysPath}/${key.user_id}/${key.organization_id}`),
    ],
    ["a revoke of the user's keys", ({ user_id }) => broker.call(`DELETE ${keysPath}/user/${user_id}`)],
    ['a refresh', (key) => refreshed(broker, key, { grace_period_seconds: 600 })],
    [
      'a bulk revoke',
      async ({ user_id }) => {
        const order = { action: 'revoke', filter: { user_id } };
        const { body } = await broker.call(`POST ${keysPath}/bulk`, { body: { ...order, dry_run: true } });
        expect(body.count).toBe(1);
        await broker.call(`POST ${keysPath}/bulk`, { body: { ...order, confirm_token: body.confirm_token } });
      },
    ],
  ])('%s', async (_what, end) => {
    const leaked = await quarantined();
    await end(leaked);
    expectError(await release(leaked.key_id), 409, 'KEY_NOT_QUARANTINED');
    expect(await code(leaked.key)).toBe('REVOKED');
  });

  test('a stop of all keys, before and after its rows are tidied', async () => {
    const leaked = await quarantined();
    const { id } = await broker.createMasterKey();
    const reason = 'owner_left';
    await stopKeys(broker.api.parts, callerWith({ id }), { reason, kind: 'user', subject: leaked.user_id });
    expect(await code(leaked.key)).toBe('REVOKED');
    const shown = { status: 'revoked', revoked_reason: reason, revoked_at: expect.any(String) };
    expect((await getKey(broker, leaked.key_id)).body).toMatchObject(shown);
    await tidyStops(broker);
    expect((await getKey(broker, leaked.key_id)).body).toMatchObject(shown);
    expectError(await release(leaked.key_id), 409, 'KEY_NOT_QUARANTINED');
  });
});

test('a refresh gives the rightful owner a new secret, and the leaked one never works again', async () => {
  const leaked = await quarantined({ name: 'kept' });
  const successor = await refreshed(broker, leaked, { grace_period_seconds: 600 });
  expect(await codesOf(broker, [leaked, successor])).toEqual(['REVOKED', 'VALID']);
  expect((await getKey(broker, leaked.key_id)).body.revoked_reason).toBe('key_compromise');
  expect((await getKey(broker, successor.key_id)).body.name).toBe('kept');
});

test('after the hour a refresh finds no key, and while it lasts settings do not change', async () => {
  const leaked = await quarantined();
  expectError(await update(broker, leaked.key_id, { enabled: false }), 409, 'KEY_NOT_ACTIVE');
  await passTime(leaked.key_id, hour);
  expectError(await refresh(broker, leaked), 404, 'KEY_NOT_FOUND');
});
