import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callAs, codeOf, createApiUser, firstApiAdmin, type TestApiUser } from '../../support/api-users.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { expectError } from '../../support/errors.ts';

let broker: TestBroker;
let replica: TestBroker;
let admin: TestApiUser;
let call: ReturnType<typeof callAs>;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  admin = await firstApiAdmin(broker);
  call = callAs(broker, admin);
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const newUser = (body = {}) => createApiUser(broker, admin, body);
const eventsOf = async (targetId: string) =>
  (await auditEventsOf(broker, { targetId })).map(({ event_type }) => event_type);

/** Verdicts of both replicas, each from its own memory. */
const codes = async (key: string) => [await codeOf(broker, key), await codeOf(replica, key)];
const everywhere = (code: string) => [code, code];

/**
 * Many brief races against the caches: a change that has answered must hold on both replicas in the
 * next request.
 */
async function warm(user: TestApiUser) {
  expect(await codes(user.key)).toEqual(everywhere('VALID'));
}

describe('PATCH /users/:id', () => {
  test('200: changes what is named and leaves the rest', async () => {
    const user = await newUser({ email: 'a@example.com' });
    const { status, body } = await call(`PATCH /users/${user.id}`, { body: { name: 'Updated Name' } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      user_id: user.id,
      name: 'Updated Name',
      email: 'a@example.com',
      is_active: true,
    });
    expect(body).toEqual((await call(`GET /users/${user.id}`)).body);
    expect((await call(`PATCH /users/${user.id}`, { body: { email: null } })).body.email).toBeNull();
    expect(await eventsOf(user.id)).toEqual(['api_user.created', 'api_user.updated', 'api_user.updated']);
  });

  test('200: deactivating stops the key at once on every replica, activating gives the same key back', async () => {
    const user = await newUser({ role: 'admin' });
    for (let round = 0; round < 5; round++) {
      await warm(user);
      const off = await call(`PATCH /users/${user.id}`, { body: { is_active: false } });
      expect([off.status, off.body.is_active]).toEqual([200, false]);
      expect(await codes(user.key)).toEqual(everywhere('DISABLED'));
      expectError(await callAs(replica, user)('GET /users'), 401, 'AUTHENTICATION_REQUIRED');
      expect((await call(`PATCH /users/${user.id}`, { body: { is_active: false } })).status).toBe(200);
      await call(`PATCH /users/${user.id}`, { body: { is_active: true } });
    }
    await warm(user);
    expect((await callAs(replica, user)('GET /users')).status).toBe(200);
  });

  test('200: a new role binds the next request', async () => {
    const user = await newUser();
    const asUser = callAs(replica, user);
    expectError(await asUser('GET /users'), 403, 'INSUFFICIENT_PERMISSIONS');
    await call(`PATCH /users/${user.id}`, { body: { role: 'admin' } });
    expect((await asUser('GET /users')).status).toBe(200);
    await call(`PATCH /users/${user.id}`, { body: { role: 'user' } });
    expectError(await asUser('GET /users'), 403, 'INSUFFICIENT_PERMISSIONS');
  });
});

describe('POST /users/:id/rotate-key', () => {
  test('200: a new key, and the old one is refused at once on every replica', async () => {
    const user = await newUser();
    for (let round = 0; round < 5; round++) {
      await warm(user);
      const { status, headers, body } = await call(`POST /users/${user.id}/rotate-key`);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(Object.keys(body)).toEqual(['success', 'api_key', 'warning']);
      expect(await codes(user.key)).toEqual(everywhere('REVOKED'));
      user.key = body.api_key;
    }
    await warm(user);
  });

  test('200: an admin rotates its own key and goes on with the new one', async () => {
    const other = await newUser({ role: 'admin' });
    const { body } = await callAs(broker, other)(`POST /users/${other.id}/rotate-key`);
    expectError(await callAs(broker, other)('GET /users'), 401, 'AUTHENTICATION_REQUIRED');
    expect((await callAs(broker, { key: body.api_key })('GET /users')).status).toBe(200);
  });

  test('200: the new key of a deactivated user is as inactive as the old one', async () => {
    const user = await newUser();
    await call(`PATCH /users/${user.id}`, { body: { is_active: false } });
    const { body } = await call(`POST /users/${user.id}/rotate-key`);
    expect(await codes(body.api_key)).toEqual(everywhere('DISABLED'));
    await call(`PATCH /users/${user.id}`, { body: { is_active: true } });
    expect(await codes(body.api_key)).toEqual(everywhere('VALID'));
    expect(await codes(user.key)).toEqual(everywhere('REVOKED'));
  });

  // Of more at once a slow machine refuses some: nobody waits for a turn longer than 800 ms.
  test('200: of twenty, five at once, all succeed in turn, and one key lives', async () => {
    const user = await newUser();
    const answers: Answer[] = [];
    for (let round = 0; round < 4; round++) {
      const five = Array.from({ length: 5 }, (_, index) =>
        callAs(index % 2 === 0 ? broker : replica, admin)(`POST /users/${user.id}/rotate-key`),
      );
      answers.push(...(await Promise.all(five)));
    }
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const alive = await Promise.all(answers.map(({ body }) => codeOf(broker, body.api_key)));
    expect(alive.sort()).toEqual([...Array(19).fill('REVOKED'), 'VALID']);
  });

  test('200: repeated under one Idempotency-Key it is one rotation', async () => {
    const user = await newUser();
    const headers = { 'idempotency-key': 'rotate' };
    const first = await call(`POST /users/${user.id}/rotate-key`, { headers });
    const again = await call(`POST /users/${user.id}/rotate-key`, { headers });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await eventsOf(user.id)).toEqual(['api_user.created', 'api_user.key_rotated']);
  });
});

describe('DELETE /users/:id', () => {
  test('200: the key is refused at once on every replica, and its row stays as revoked', async () => {
    const user = await newUser();
    await warm(user);
    const { status, body } = await call(`DELETE /users/${user.id}`);
    expect([status, body]).toEqual([200, { success: true, deleted: user.id }]);
    expect(await codes(user.key)).toEqual(everywhere('REVOKED'));
    expectError(await call(`DELETE /users/${user.id}`), 404, 'USER_NOT_FOUND');
    const rows = await broker.db
      .selectFrom('api_keys')
      .select('status')
      .where('user_id', '=', user.id)
      .execute();
    expect(rows).toEqual([{ status: 'revoked' }]);
    expect(await eventsOf(user.id)).toEqual(['api_user.created', 'api_user.deleted']);
  });
});

describe('an admin is always left', () => {
  test.each([
    ['DELETE', undefined],
    ['PATCH', { role: 'user' }],
    ['PATCH', { is_active: false }],
    ['PATCH', { name: 'x', is_active: false }],
  ])('403: nobody does %s %j to themselves', async (method, body) => {
    expectError(await call(`${method} /users/${admin.id}`, { body }), 403, 'SELF_ACTION_FORBIDDEN');
    expect((await call(`GET /users/${admin.id}`)).body).toMatchObject({ role: 'admin', is_active: true });
  });

  test('of admins who demote each other at once, one remains', async () => {
    for (const change of [{ role: 'user' }, { is_active: false }, undefined]) {
      const admins = [admin, await newUser({ role: 'admin' }), await newUser({ role: 'admin' })];
      const answers = await Promise.all(
        admins.map((one, index) => {
          const target = admins[(index + 1) % admins.length];
          const method = change === undefined ? 'DELETE' : 'PATCH';
          return callAs(index === 1 ? replica : broker, one)(`${method} /users/${target?.id}`, {
            body: change,
          });
        }),
      );
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(3);
      const left = await broker.db
        .selectFrom('api_users')
        .select('id')
        .where('role', '=', 'admin')
        .where('is_active', '=', true)
        .execute();
      expect(left.length).toBeGreaterThan(0);
      const survivor = admins.find(({ id }) => left.some((row) => row.id === id));
      if (survivor !== undefined) admin = survivor;
      call = callAs(broker, admin);
    }
  });
});
