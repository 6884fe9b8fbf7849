import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, goodPassword, type LoggedIn, platformUser } from '../../support/platform-users.ts';
import { confirm, enrollTotp, totpCode } from '../../support/second-factors.ts';
import { walkClock } from '../../support/walk-clock.ts';

const own = '/api/v1/platform/auth';
const elevenMinutes = 11 * 60_000;

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

type Headers = { headers: Record<string, string> };

const call = (operation: string, { headers }: Headers, body?: unknown) =>
  broker.call(operation, { as: null, headers, ...(body !== undefined && { body }) });
const createMasterKey = (by: Headers) => call('POST /api/v1/platform/master-keys', by, { name: 'm' });
const createPlatformKey = (by: Headers) => call('POST /api/v1/apikeys', by, { name: 'p', platform: true });

/** Everything that makes a way in, or changes a factor; each with a caller who may do it. */
const guarded: Record<string, (by: Headers) => Promise<[operation: string, body?: unknown]>> = {
  'create a platform key': async () => ['POST /api/v1/apikeys', { name: 'p', platform: true }],
  'rotate a platform key': async () => [`POST /api/v1/apikeys/${(await platformKey(broker)).id}/rotate`, {}],
  'create a master key': async () => ['POST /api/v1/platform/master-keys', { name: 'm' }],
  'rotate a master key': async () => [
    `POST /api/v1/platform/master-keys/${(await broker.createMasterKey()).id}/rotate`,
    {},
  ],
  'create a platform user': async () => [
    'POST /api/v1/platform/users',
    { email: `new-${Math.random()}@example.com`, password: goodPassword, name: 'New' },
  ],
  'set a password': async () => [
    `POST /api/v1/platform/users/${(await platformKeyOwner()).id}/reset-password`,
    { password: 'another horse battery staple' },
  ],
  'give roles': async () => [`PUT /api/v1/platform/users/${(await platformKeyOwner()).id}`, { role_ids: [] }],
  'switch an account on': async () => {
    const { id } = await platformKeyOwner();
    await broker.db.updateTable('platform_users').set({ is_active: false }).where('id', '=', id).execute();
    return [`PUT /api/v1/platform/users/${id}`, { is_active: true }];
  },
  'widen a role': async () => {
    const name = `role ${Math.random()}`;
    const made = await call('POST /api/v1/platform/roles', await platformKey(broker), {
      name,
      permissions: [],
    });
    return [`PUT /api/v1/platform/roles/${made.body.id}`, { permissions: ['platform:audit:read'] }];
  },
  "reset another's second factors": async () => [
    `DELETE /api/v1/platform/users/${(await platformKeyOwner()).id}/second-factors`,
  ],
  'begin an app': async () => [`POST ${own}/totp`],
};

/** A user to act on, made by a machine, which needs no confirmation. */
async function platformKeyOwner(): Promise<{ id: string }> {
  return platformUser(broker, await platformKey(broker));
}

describe.each(Object.entries(guarded))('to %s', (_, prepare) => {
  test('a session of the last ten minutes is enough, an older one is refused and changes nothing', async () => {
    const by = await platformUser(broker, root);
    const [operation, body] = await prepare(by);
    const [late, lateBody] = await prepare(by);
    expect((await call(operation, by, body)).status).toBeLessThan(300);
    walkClock(broker, elevenMinutes);
    const before = await countEvents();
    expectError(await call(late, by, lateBody), 403, 'STEP_UP_REQUIRED');
    expect(await countEvents()).toBe(before);
    expect((await confirm(broker, by, { password: goodPassword })).status).toBe(200);
    expect((await call(late, by, lateBody)).status).toBeLessThan(300);
  });
});

async function countEvents(): Promise<number> {
  const events = await broker.db.selectFrom('audit_events').select('id').execute();
  return events.length;
}

test('what gives nobody a way in needs no confirmation', async () => {
  const by = await platformUser(broker, root);
  const { id } = await platformUser(broker, root);
  walkClock(broker, elevenMinutes);
  expect((await call(`PUT /api/v1/platform/users/${id}`, by, { name: 'N' })).status).toBe(200);
  const permissions = ['platform:audit:read'];
  const role = await call('POST /api/v1/platform/roles', by, { name: 'r', permissions });
  expect(role.status).toBe(201);
  const narrowed = await call(`PUT /api/v1/platform/roles/${role.body.id}`, by, { permissions: [] });
  expect(narrowed.status).toBe(200);
  expect((await call(`PUT /api/v1/platform/users/${id}`, by, { is_active: false })).status).toBe(200);
  expect((await call('GET /api/v1/platform/master-keys', by)).status).toBe(200);
});

test('a platform key is a machine: it keeps its rights, and has no session to confirm', async () => {
  const key = await platformKey(broker);
  walkClock(broker, elevenMinutes);
  expect((await createMasterKey(key)).status).toBe(201);
  expect((await createPlatformKey(key)).status).toBe(201);
  expectError(await confirm(broker, key, { password: goodPassword }), 404, 'SESSION_NOT_FOUND');
});

test('who lacks the right is told so, confirmed or not', async () => {
  const viewer = await platformUser(broker, root, ['role_platform_viewer']);
  walkClock(broker, elevenMinutes);
  expectError(await createMasterKey(viewer), 403, 'INSUFFICIENT_PERMISSIONS');
  expectError(await createPlatformKey(viewer), 403, 'INSUFFICIENT_PERMISSIONS');
});

describe('a confirmation', () => {
  test('counts for its session alone, and for ten minutes', async () => {
    const by = await platformUser(broker, root);
    walkClock(broker, elevenMinutes);
    await confirm(broker, by, { password: goodPassword });
    expectError(await createMasterKey(root), 403, 'STEP_UP_REQUIRED');
    expect((await createMasterKey(by)).status).toBe(201);
    walkClock(broker, 10 * 60_000);
    expectError(await createMasterKey(by), 403, 'STEP_UP_REQUIRED');
  });

  test('by a wrong password is none: it is written down, and counted for the session', async () => {
    const by = await platformUser(broker, root);
    walkClock(broker, elevenMinutes);
    expectViolations(await confirm(broker, by, {}), 'password');
    for (let failure = 0; failure < 6; failure++) {
      const wrong = await confirm(broker, by, { password: 'not the right password' });
      expectError(wrong, 401, 'INVALID_CREDENTIALS');
    }
    expectError(await confirm(broker, by, { password: goodPassword }), 429, 'TOO_MANY_ATTEMPTS');
    expectError(await createMasterKey(by), 403, 'STEP_UP_REQUIRED');
    const events = await auditEventsOf(broker, { targetId: by.id });
    expect(events.at(-1)).toMatchObject({
      event_type: 'platform.login.refused',
      details: { code: 'INVALID_CREDENTIALS', at: 'confirm' },
    });
  });

  test('needs the second factor where the account has one: the password is not enough', async () => {
    const by = await platformUser(broker, root);
    const { secret } = await enrollTotp(broker, by);
    walkClock(broker, elevenMinutes);
    const asked = await confirm(broker, by, { password: goodPassword });
    const details = expectError(asked, 401, 'SECOND_FACTOR_REQUIRED');
    expect(details).toEqual({ methods: ['totp', 'recovery_code'] });
    const wrong = { second_factor: { kind: 'totp', code: '000000' } };
    expectError(await confirm(broker, by, wrong), 401, 'SECOND_FACTOR_INVALID');
    expectError(await createMasterKey(by), 403, 'STEP_UP_REQUIRED');
    const right = { second_factor: { kind: 'totp', code: totpCode(broker, secret) } };
    expect((await confirm(broker, by, right)).status).toBe(200);
    expectError(await confirm(broker, by, right), 401, 'SECOND_FACTOR_INVALID');
    expect((await createMasterKey(by)).status).toBe(201);
    const confirmed = (await auditEventsOf(broker, { targetId: by.id })).filter(
      ({ event_type }) => event_type === 'platform.session.confirmed',
    );
    expect(confirmed.map(({ details }) => (details as { code?: string }).code)).toEqual([
      'SECOND_FACTOR_INVALID',
      undefined,
      'SECOND_FACTOR_INVALID',
    ]);
  });

  test('wrong codes here and at the login are counted together', async () => {
    const by = await platformUser(broker, root);
    const { secret } = await enrollTotp(broker, by);
    const wrong = { second_factor: { kind: 'totp', code: '000000' } };
    for (let failure = 0; failure < 6; failure++) await confirm(broker, by, wrong);
    const body = { email: by.email, password: goodPassword };
    const second_factor = { kind: 'totp', code: totpCode(broker, secret) };
    const login = await call('POST /api/v1/platform/auth/login', { headers: {} }, { ...body, second_factor });
    expectError(login, 429, 'TOO_MANY_ATTEMPTS');
  });
});

test('a session from before the upgrade counts as long confirmed', async () => {
  const by = await platformUser(broker, root);
  await broker.db
    .updateTable('platform_sessions')
    .set({ confirmed_at: null })
    .where('user_id', '=', by.id)
    .execute();
  expectError(await createMasterKey(by), 403, 'STEP_UP_REQUIRED');
});
