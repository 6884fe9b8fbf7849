import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeMasterKey } from '../../src/usecases/master-keys/revoke-master-key.ts';
import { apiKeysPath, revokeApiKey } from '../support/api-keys.ts';
import { createApiUser, firstApiAdmin, type TestApiUser, callAs as userCall } from '../support/api-users.ts';
import { startBroker, type TestBroker, testOrigin } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { lockWaiters } from '../support/lock-waiters.ts';
import { setStatus } from '../support/organization-status.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, type LoggedIn, platformUser } from '../support/platform-users.ts';
import { slowRequest } from '../support/slow-request.ts';

let broker: TestBroker;
let root: LoggedIn;
let apiAdmin: TestApiUser;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
  apiAdmin = await firstApiAdmin(broker);
});
afterAll(() => broker.close());

const rootCall = (operation: string, body?: object) =>
  broker.call(operation, { as: null, headers: root.headers, ...(body !== undefined && { body }) });

/** Everything that the requests below would change. */
async function everything(): Promise<unknown> {
  const { rows } = await sql`
    SELECT (SELECT count(*) FROM api_keys) AS keys, (SELECT count(*) FROM roles) AS roles,
      (SELECT count(*) FROM platform_users) AS users, (SELECT count(*) FROM api_users) AS api_users,
      (SELECT count(*) FROM environments) AS environments,
      (SELECT count(*) FROM idempotency_keys) AS answers`.execute(broker.db);
  return rows;
}

/** Starts the request, takes the right away, sends the body: refused, and nothing is changed. */
async function expectLate(
  operation: string,
  request: { headers: Record<string, string>; body: object },
  end: () => Promise<unknown>,
  status: number,
): Promise<void> {
  const late = await slowRequest(broker.url, operation, request);
  await end();
  const before = await everything();
  expect(await late.finish()).toBe(status);
  expect(await everything()).toEqual(before);
}

describe('a request that was admitted before its credential ended, and whose body comes later, changes nothing', () => {
  test.each([{}, { 'idempotency-key': 'late' }])('a mint by a revoked master key, %j', async (more) => {
    const { id, secret } = await broker.createMasterKey();
    await mint(broker, {}, { as: secret });
    const headers = { 'x-flowplate-master-key': secret, ...more };
    const end = async () => {
      const { isComplete } = await revokeMasterKey(broker.api.parts, testOrigin, id);
      expect(isComplete).toBe(true);
    };
    await expectLate(`POST ${keysPath}`, { headers, body: newOwner() }, end, 401);
  });

  test('a refresh, a change and a revoke by a revoked master key', async () => {
    const { id, secret } = await broker.createMasterKey();
    const owner = await mint(broker, {}, { as: secret });
    const headers = { 'x-flowplate-master-key': secret };
    const refresh = await slowRequest(
      broker.url,
      `POST ${keysPath}/${owner.user_id}/${owner.organization_id}/refresh`,
      { headers, body: { grace_period_seconds: 60 } },
    );
    const change = await slowRequest(broker.url, `PATCH ${keysPath}/${owner.key_id}`, {
      headers,
      body: { enabled: false },
    });
    const revoke = await slowRequest(broker.url, `DELETE ${keysPath}/${owner.key_id}`, { headers, body: {} });
    await revokeMasterKey(broker.api.parts, testOrigin, id);
    const before = await everything();
    expect(await Promise.all([refresh, change, revoke].map((late) => late.finish()))).toEqual([
      401, 401, 401,
    ]);
    expect(await everything()).toEqual(before);
    const { body } = await broker.call(`GET ${keysPath}/${owner.key_id}`);
    expect(body).toMatchObject({ status: 'active', enabled: true });
  });

  test('a kept answer is not handed out again either', async () => {
    const { id, secret } = await broker.createMasterKey();
    const headers = { 'x-flowplate-master-key': secret, 'idempotency-key': 'kept' };
    const body = newOwner();
    const first = await broker.call(`POST ${keysPath}`, { as: secret, headers, body });
    expect(first.status).toBe(201);
    const end = () => revokeMasterKey(broker.api.parts, testOrigin, id);
    await expectLate(`POST ${keysPath}`, { headers, body }, end, 401);
  });

  test('an environment by a revoked tenant key', async () => {
    const key = await tenantKey(broker, 'org_late_key');
    const admin = await tenantKey(broker, 'org_late_key');
    const end = () => revokeApiKey(broker, admin.headers, key.id);
    await expectLate('POST /api/v1/environments', { ...key, body: { name: 'late' } }, end, 401);
  });

  test('a key by a tenant key whose organization was suspended', async () => {
    const key = await tenantKey(broker, 'org_late_suspended');
    const end = () => setStatus(broker, 'org_late_suspended', 'suspended');
    await expectLate(`POST ${apiKeysPath}`, { ...key, body: { name: 'late', scopes: ['read'] } }, end, 403);
  });

  test('a role by a revoked platform key', async () => {
    const key = await platformKey(broker);
    const end = () => rootCall(`POST ${apiKeysPath}/${key.id}/revoke`, {});
    const body = { name: 'late role', permissions: ['platform:audit:read'] };
    await expectLate('POST /api/v1/platform/roles', { ...key, body }, end, 401);
  });

  test('a user by a super-admin who was deleted, deactivated, logged out, or is no longer one', async () => {
    const body = {
      email: 'late@example.com',
      password: 'correct horse battery staple',
      name: 'Late',
      role_ids: ['role_platform_admin'],
    };
    const ends: [(user: LoggedIn) => Promise<unknown>, number][] = [
      [({ id }) => rootCall(`DELETE /api/v1/platform/users/${id}`), 401],
      [({ id }) => rootCall(`PUT /api/v1/platform/users/${id}`, { is_active: false }), 401],
      [({ headers }) => broker.call('POST /api/v1/platform/auth/logout', { as: null, headers }), 401],
      [({ id }) => rootCall(`PUT /api/v1/platform/users/${id}`, { role_ids: [] }), 403],
    ];
    for (const [end, status] of ends) {
      const user = await platformUser(broker, root);
      const late = await slowRequest(broker.url, 'POST /api/v1/platform/users', { ...user, body });
      await end(user);
      expect(await late.finish()).toBe(status);
    }
    const { rows } = await sql`SELECT FROM platform_users WHERE email = ${body.email}`.execute(broker.db);
    expect(rows).toHaveLength(0);
  });

  test('a change by an operator whose role lost the permission', async () => {
    const permissions = ['platform:tenants:read', 'platform:tenants:manage'];
    const role = await rootCall('POST /api/v1/platform/roles', { name: 'shrinking', permissions });
    const key = await platformKey(broker, [role.body.id]);
    const end = () =>
      rootCall(`PUT /api/v1/platform/roles/${role.body.id}`, { permissions: ['platform:tenants:read'] });
    await expectLate('POST /api/v1/platform/tenants', { ...key, body: { name: 'Late' } }, end, 403);
  });

  test('an API user by an admin who was demoted, or whose key was rotated', async () => {
    for (const [end, status] of [
      [(id: string) => userCall(broker, apiAdmin)(`PATCH /users/${id}`, { body: { role: 'user' } }), 403],
      [(id: string) => userCall(broker, apiAdmin)(`POST /users/${id}/rotate-key`, { body: {} }), 401],
    ] as const) {
      const admin = await createApiUser(broker, apiAdmin, { role: 'admin' });
      const headers = { 'x-api-key': admin.key };
      const late = await slowRequest(broker.url, 'POST /users', { headers, body: { name: 'late' } });
      await end(admin.id);
      expect(await late.finish()).toBe(status);
    }
  });
});

/** A mint by `as` that has begun and cannot end until `release`: its environment's row is taken. */
async function blockedMint(as: string) {
  const owner = await mint(broker);
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const blocking = broker.db.transaction().execute(async (tx) => {
    await sql`SELECT FROM environments WHERE organization_id = ${owner.organization_id} FOR UPDATE`.execute(
      tx,
    );
    begun.resolve();
    await released.promise;
  });
  await begun.promise;
  const body = { ...newOwner(), organization_id: owner.organization_id };
  const minting = broker.call(`POST ${keysPath}`, { as, body });
  await eventually(
    5_000,
    () => lockWaiters(broker.db),
    (waiting) => waiting === 1,
  );
  const release = async () => {
    released.resolve();
    await blocking;
  };
  return { minting, release };
}

async function countMints(masterKeyId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM audit_events WHERE actor_id = ${masterKeyId} AND event_type = 'key.minted'`.execute(
    broker.db,
  );
  return rows[0]?.count ?? 0;
}

describe('a mint that is under way when its master key is revoked', () => {
  /** Mints that are committed when the revoke has answered. The mint goes on afterwards. */
  const mintedAtTheAnswer = async () => {
    const { id, secret } = await broker.createMasterKey();
    const { minting, release } = await blockedMint(secret);
    const revoked = revokeMasterKey(broker.api.parts, testOrigin, id).then(() => countMints(id));
    await Promise.race([
      revoked,
      eventually(
        5_000,
        () => lockWaiters(broker.db),
        (waiting) => waiting === 2,
      ),
    ]);
    await release();
    expect((await minting).status).toBe(201);
    return revoked;
  };

  test('is committed before the revoke has answered', async () => {
    expect(await mintedAtTheAnswer()).toBe(1);
  });

  test('control: without the held right, the revoke has answered before it', async () => {
    const replace = (body: string) =>
      sql`${sql.raw(`CREATE OR REPLACE FUNCTION hold_master_key(held_id text) RETURNS boolean LANGUAGE sql VOLATILE
        AS $$ ${body} $$`)}`.execute(broker.db);
    const { rows } = await sql<{ definition: string }>`
      SELECT pg_get_functiondef('hold_master_key'::regproc) AS definition`.execute(broker.db);
    await replace('SELECT EXISTS (SELECT FROM master_keys WHERE id = held_id AND revoked_at IS NULL)');
    try {
      expect(await mintedAtTheAnswer()).toBe(0);
    } finally {
      await sql`${sql.raw(rows[0]?.definition ?? '')}`.execute(broker.db);
    }
  });
});

test('of many mints by a key that is being revoked, none is committed after the revoke has answered', async () => {
  const { id, secret } = await broker.createMasterKey();
  const count = () => countMints(id);
  let isRevoked = false;
  const minters = Array.from({ length: 20 }, async () => {
    while (!isRevoked) await broker.call(`POST ${keysPath}`, { as: secret, body: newOwner() });
  });
  await eventually(10_000, count, (minted) => minted > 100);
  await revokeMasterKey(broker.api.parts, testOrigin, id);
  const minted = await count();
  isRevoked = true;
  await Promise.all(minters);
  expect(await count()).toBe(minted);
});
