import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { callAs, codeOf, createApiUser, firstApiAdmin } from '../../support/api-users.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { insist } from '../../support/insist.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

const operation = 'POST /users/bootstrap';
const body = { name: 'First', email: 'first@example.com' };

let broker: TestBroker;
let superAdmin: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  superAdmin = await platformKey(broker);
});
beforeEach(() => broker.db.deleteFrom('api_users').execute());
afterAll(() => broker.close());

const bootstrap = (headers: Record<string, string> = {}) =>
  broker.call(operation, { as: null, body, headers: { ...superAdmin.headers, ...headers } });

test('401: without a credential, and with keys that are no operator’s', async () => {
  expectError(await broker.call(operation, { as: null, body }), 401, 'AUTHENTICATION_REQUIRED');
  expectError(await broker.call(operation, { body }), 401, 'AUTHENTICATION_REQUIRED');
  const { headers } = await tenantKey(broker, 'org_1');
  expectError(await broker.call(operation, { as: null, body, headers }), 401, 'AUTHENTICATION_REQUIRED');
});

test('403: for everybody but a super-admin', async () => {
  const { headers } = await platformKey(broker, ['role_platform_operator']);
  const refused = await broker.call(operation, { as: null, body, headers });
  expect(expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS')).toEqual({
    required_role: 'role_platform_admin',
  });
});

test('422: the role is not for choosing', async () => {
  const { headers } = superAdmin;
  expectViolations(await broker.call(operation, { as: null, headers, body: { ...body, role: 'user' } }), '');
  expectViolations(await broker.call(operation, { as: null, headers, body: {} }), 'name');
});

test('201: an admin, whose key works at once', async () => {
  const { status, body: answer } = await bootstrap();
  expect(status).toBe(201);
  expect(answer.user).toMatchObject({ ...body, role: 'admin', is_active: true });
  expect(await codeOf(broker, answer.api_key)).toBe('VALID');
  expect((await callAs(broker, { key: answer.api_key })('GET /users')).status).toBe(200);
  const [event] = await auditEventsOf(broker, { targetId: answer.user.user_id });
  expect(event).toMatchObject({ event_type: 'api_user.created', actor_id: superAdmin.id });
});

test('409: as long as there is an active admin, and again possible when there is none', async () => {
  const admin = await firstApiAdmin(broker);
  await createApiUser(broker, admin);
  expectError(await bootstrap(), 409, 'ALREADY_BOOTSTRAPPED');
  await broker.db.updateTable('api_users').set({ is_active: false }).where('id', '=', admin.id).execute();
  expect((await bootstrap()).status).toBe(201);
});

test('of twenty at once, on two replicas, one wins', async () => {
  const replica = await broker.replica();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      insist(() =>
        (index % 2 === 0 ? broker : replica).call(operation, { as: null, body, headers: superAdmin.headers }),
      ),
    ),
  );
  await replica.close();
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
  expect(await broker.db.selectFrom('api_users').select('id').execute()).toHaveLength(1);
});

test('repeated under one Idempotency-Key it is the same answer', async () => {
  const headers = { 'idempotency-key': 'first' };
  const first = await bootstrap(headers);
  expect(await bootstrap(headers)).toMatchObject({ status: 201, body: first.body });
});
