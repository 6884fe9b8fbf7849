import { afterAll, beforeAll, expect, test } from 'vitest';
import { callAs, createApiUser, firstApiAdmin, type TestApiUser } from '../support/api-users.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { newOwner } from '../support/keys.ts';

/**
 * The pages from which callers were written, field by field: names, their order, and what they
 * hold.
 */
let broker: TestBroker;
let admin: TestApiUser;
let call: ReturnType<typeof callAs>;
beforeAll(async () => {
  broker = await startBroker();
  admin = await firstApiAdmin(broker);
  call = callAs(broker, admin);
});
afterAll(() => broker.close());

const userFields = [
  'user_id',
  'name',
  'email',
  'role',
  'is_active',
  'created_at',
  'updated_at',
  'usage',
] as const;
const usageFields = [
  'total_requests',
  'last_used_at',
  'first_used_at',
  'requests_today',
  'last_reset',
] as const;
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
const warning = expect.stringMatching(/now/);

test('the page Users: list, create, get, update, rotate and delete', async () => {
  const created = await call('POST /users', {
    body: { name: 'App', email: 'app@example.com', role: 'user' },
  });
  expect(created.status).toBe(201);
  expect(Object.keys(created.body)).toEqual(['user', 'api_key', 'warning']);
  const { user, api_key: key } = created.body;
  expect(Object.keys(user)).toEqual([...userFields]);
  expect(user).toMatchObject({
    name: 'App',
    email: 'app@example.com',
    role: 'user',
    is_active: true,
    created_at: time,
    updated_at: time,
  });
  expect(user.usage).toEqual({ total_requests: 0, requests_today: 0, last_reset: time });
  expect(created.body.warning).toEqual(warning);

  const one = `/users/${user.user_id}`;
  expect((await call(`GET ${one}`)).body).toEqual(user);
  expect((await call('GET /users/nobody')).status).toBe(404);

  const updated = await call(`PATCH ${one}`, { body: { name: 'Renamed', is_active: false } });
  expect(updated.status).toBe(200);
  expect(updated.body).toMatchObject({ user_id: user.user_id, name: 'Renamed', is_active: false });
  expect((await callAs(broker, { key })('GET /users')).status).toBe(401);
  await call(`PATCH ${one}`, { body: { is_active: true } });

  const rotated = await call(`POST ${one}/rotate-key`);
  expect(rotated.body).toEqual({ success: true, api_key: expect.any(String), warning });
  expect(Object.keys(rotated.body)).toEqual(['success', 'api_key', 'warning']);
  expect((await callAs(broker, { key })('GET /users')).status, 'the old key').toBe(401);
  expect((await callAs(broker, { key: rotated.body.api_key })('GET /users')).status).toBe(403);

  const deleted = await call(`DELETE ${one}`);
  expect([deleted.status, deleted.body]).toEqual([200, { success: true, deleted: user.user_id }]);
  expect((await callAs(broker, { key: rotated.body.api_key })('GET /users')).status).toBe(401);
});

test('the page Users: usage of a user who calls', async () => {
  const caller = await createApiUser(broker, admin, { role: 'admin' });
  for (let count = 0; count < 3; count++) await callAs(broker, caller)('GET /users');
  await broker.settleUsage();
  const list = (await call('GET /users')).body;
  expect(Array.isArray(list)).toBe(true);
  const listed = list.find(({ user_id }: { user_id: string }) => user_id === caller.id);
  expect(Object.keys(listed)).toEqual([...userFields].filter((name) => Object.hasOwn(listed, name)));
  expect(Object.keys(listed.usage)).toEqual([...usageFields]);
  expect(listed.usage).toEqual({
    total_requests: 3,
    last_used_at: time,
    first_used_at: time,
    requests_today: 3,
    // Midnight, or the creation on the first day.
    last_reset: listed.created_at,
  });
});

test('the page of the mint: its body, its answer and its two errors', async () => {
  const body = { ...newOwner(), metadata: { plan: 'trial' } };
  const minted = await broker.call('POST /v1/flowplate/api-keys', { body });
  expect(minted.status).toBe(201);
  expect(minted.body).toMatchObject({
    key: expect.stringMatching(/^fl_user_[a-z0-9]{1,16}_/),
    key_id: expect.stringMatching(/^flk_/),
    key_prefix: minted.body.key.slice(0, minted.body.key.lastIndexOf('_') + 9),
    user_id: body.user_id,
    organization_id: body.organization_id,
    created_at: time,
  });
  const path = 'POST /v1/flowplate/api-keys';
  const { secret: as } = await broker.createMasterKey({ permissions: ['keys:verify'] });
  for (const [options, status, code, type] of [
    [{ as: null }, 401, 'AUTHENTICATION_REQUIRED', 'authentication_error'],
    [{ as }, 403, 'INSUFFICIENT_PERMISSIONS', 'authorization_error'],
  ] as const) {
    const refused = await broker.call(path, { body, ...options });
    expect(Object.keys(refused.body)).toEqual(['success', 'error']);
    expect(Object.keys(refused.body.error)).toEqual(errorFields);
    expect(refused.body).toMatchObject({ success: false, error: { code, type, status, timestamp: time } });
    expect(refused.status).toBe(status);
  }
});

const errorFields = [
  'code',
  'message',
  'system_message',
  'type',
  'status',
  'trace_id',
  'timestamp',
  'details',
];
