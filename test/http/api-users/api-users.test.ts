import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKeySecret } from '../../../src/domain/key-format.ts';
import { callAs, codeOf, createApiUser, firstApiAdmin, type TestApiUser } from '../../support/api-users.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { mint } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
let admin: TestApiUser;
let call: ReturnType<typeof callAs>;
beforeAll(async () => {
  broker = await startBroker();
  admin = await firstApiAdmin(broker);
  call = callAs(broker, admin);
});
afterAll(() => broker.close());

const newUser = (body = {}) => createApiUser(broker, admin, body);
const nobody = 'usr_aaaaaaaaaaaaaaaaaaaaaa';
const operations: [operation: string, body?: object][] = [
  ['GET /users'],
  ['POST /users', { name: 'x' }],
  [`GET /users/${nobody}`],
  [`PATCH /users/${nobody}`, { name: 'x' }],
  [`DELETE /users/${nobody}`],
  [`POST /users/${nobody}/rotate-key`],
];

describe.each(operations)('%s', (operation, body) => {
  test('401: no, unknown, ended and other kinds of credentials are refused all alike', async () => {
    const refused = await broker.call(operation, { as: null, body });
    expectError(refused, 401, 'AUTHENTICATION_REQUIRED');
    const gone = await newUser({ role: 'admin' });
    await call(`DELETE /users/${gone.id}`);
    const keys = [
      gone.key,
      broker.masterKey,
      (await platformKey(broker)).secret,
      (await tenantKey(broker, 'org_1')).secret,
      (await mint(broker)).key,
      newApiKeySecret('apiUser', randomBytes),
      'x',
    ];
    for (const key of keys) {
      expect(bytesOf(await callAs(broker, { key })(operation, { body }))).toBe(bytesOf(refused));
    }
  });

  test('403: an API user who is no admin is refused, and that is written down', async () => {
    const user = await newUser();
    const refused = await callAs(broker, user)(operation, { body });
    expect(expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS')).toEqual({ required_role: 'admin' });
    const events = await broker.db
      .selectFrom('audit_events')
      .select(['event_type', 'result'])
      .where('actor_id', '=', user.id)
      .execute();
    expect(events).toEqual([{ event_type: 'platform.access.refused', result: 'refused' }]);
  });
});

describe('404', () => {
  test.each(operations.slice(2))(
    '%s: a user who is not there, or never could be',
    async (operation, body) => {
      const missing = await call(operation, { body });
      expectError(missing, 404, 'USER_NOT_FOUND');
      const deleted = await newUser();
      await call(`DELETE /users/${deleted.id}`);
      for (const id of [deleted.id, 'x1y2z3w4', '%00', "'", 'puser_aaaaaaaaaaaaaaaaaaaaaa', '%F0%9F%92%A9']) {
        const answer = await call(operation.replace(nobody, id), { body });
        expect(bytesOf(answer), id).toBe(bytesOf(missing));
      }
    },
  );
});

describe('422', () => {
  test.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: ' \t ' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ name: 'x', email: 'nobody' }, 'email'],
    [{ name: 'x', email: `${'a'.repeat(250)}@b.example` }, 'email'],
    [{ name: 'x', role: 'owner' }, 'role'],
    [{ name: 'x', is_active: false }, ''],
    [{ name: 'x', user_id: nobody }, ''],
    [{ name: 'x', key: 'flapi_mine' }, ''],
  ])('POST /users %j', async (body, path) => {
    expectViolations(await call('POST /users', { body }), path);
  });

  test.each([
    [{}, ''],
    [{ name: null }, 'name'],
    [{ email: '' }, 'email'],
    [{ role: null }, 'role'],
    [{ is_active: 'false' }, 'is_active'],
    [{ user_id: nobody }, ''],
    [{ created_at: '2026-01-01T00:00:00Z' }, ''],
  ])('PATCH /users/:id %j', async (body, path) => {
    expectViolations(await call(`PATCH /users/${admin.id}`, { body }), path);
  });

  test('a cursor of another list, and a limit beyond the bounds', async () => {
    const cursor = Buffer.from('evt_aaaaaaaaaaaaaaaaaaaaaa').toString('base64url');
    expectViolations(await call(`GET /users?cursor=${cursor}`), 'cursor');
    expectViolations(await call('GET /users?limit=101'), 'limit');
    expectViolations(await call(`POST /users/${admin.id}/rotate-key`, { body: { key: 'mine' } }), '');
  });
});

describe('POST /users', () => {
  test('201: the user, its key and the warning; the key is nowhere else and works at once', async () => {
    const body = { name: 'Mobile App', email: 'app@example.com', role: 'user' };
    const { status, headers, body: answer } = await call('POST /users', { body });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    const { user_id, created_at } = answer.user;
    expect(answer).toEqual({
      user: {
        ...body,
        user_id,
        is_active: true,
        created_at,
        updated_at: created_at,
        usage: { total_requests: 0, requests_today: 0, last_reset: created_at },
      },
      api_key: expect.stringMatching(/^flapi_[0-9A-Za-z]{46}$/),
      warning: 'Save this API key now. It cannot be retrieved again.',
    });
    expect(user_id).toMatch(/^usr_/);
    expect(await codeOf(broker, answer.api_key)).toBe('VALID');
    const [event] = await auditEventsOf(broker, { targetId: user_id });
    expect(event).toMatchObject({
      event_type: 'api_user.created',
      actor_kind: 'api_user',
      actor_id: admin.id,
    });
    expect(JSON.stringify(event)).not.toMatch(/flapi_|app@example/);
    expect(broker.logLines.join()).not.toContain(answer.api_key);
  });

  test('201: a name is enough; the role is user, and an address may be shared', async () => {
    const { body } = await call('POST /users', { body: { name: 'x' } });
    expect(body.user).toMatchObject({ role: 'user', email: null });
    for (let twice = 0; twice < 2; twice++) await newUser({ email: 'shared@example.com' });
  });

  test('201: the same Idempotency-Key gives the same answer, and makes one user', async () => {
    const headers = { 'idempotency-key': 'once' };
    const [first, again] = [1, 2].map(() => call('POST /users', { body: { name: 'once' }, headers }));
    expect((await again)?.body).toEqual((await first)?.body);
    const all = (await call('GET /users?limit=100')).body.filter(
      (user: { name: string }) => user.name === 'once',
    );
    expect(all).toHaveLength(1);
  });
});

describe('GET /users', () => {
  test('200: a bare array, newest first, with a Link to the next page', async () => {
    const first = await newUser({ name: 'first' });
    const createdAt = Date.now();
    await eventually(1_000, Date.now, (now) => now > createdAt + 1);
    const second = await newUser({ name: 'second' });
    const page = await call('GET /users?limit=1');
    expect(page.body.map((user: { user_id: string }) => user.user_id)).toEqual([second.id]);
    const next = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    expect((await call(`GET ${next}`)).body[0]).toMatchObject({ user_id: first.id, name: 'first' });
    const all = await call('GET /users?limit=100');
    expect(all.body.at(-1).user_id).toBe(admin.id);
    expect(all.headers.get('link')).toBeNull();
  });

  test('200: usage as the seed shows it, also by one GET and after a rotation', async () => {
    const user = await newUser();
    expect(await codeOf(broker, user.key)).toBe('VALID');
    expect(await codeOf(broker, user.key)).toBe('VALID');
    const { body: rotated } = await call(`POST /users/${user.id}/rotate-key`);
    expect(await codeOf(broker, rotated.api_key)).toBe('VALID');
    await broker.settleUsage();
    const { body: one } = await call(`GET /users/${user.id}`);
    expect(Object.keys(one.usage)).toEqual([
      'total_requests',
      'last_used_at',
      'first_used_at',
      'requests_today',
      'last_reset',
    ]);
    expect(one.usage).toMatchObject({ total_requests: 3, requests_today: 3, last_reset: one.created_at });
    expect(Date.parse(one.usage.first_used_at)).toBeLessThan(Date.parse(one.usage.last_used_at));
    const all = (await call('GET /users?limit=100')).body;
    expect(all.find((other: { user_id: string }) => other.user_id === user.id)).toEqual(one);
  });

  test("200: a user of before today began its count at today's midnight in UTC", async () => {
    const user = await newUser();
    await broker.db
      .updateTable('api_users')
      .set({ created_at: new Date('2025-12-01T00:00:00Z') })
      .where('id', '=', user.id)
      .execute();
    const { body } = await call(`GET /users/${user.id}`);
    expect(body.usage.last_reset).toBe(`${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`);
  });
});

test('a secret of an API user is stored as a digest, and it belongs to no tenant', async () => {
  const user = await newUser();
  const rows = await broker.db.selectFrom('api_keys').selectAll().where('user_id', '=', user.id).execute();
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(user.key.slice(-20));
  expect(rows[0]).toMatchObject({ kind: 'api_user', organization_id: '_platform', lineage_id: rows[0]?.id });
});
