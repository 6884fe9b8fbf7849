import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countedMax } from '../../../src/stores/postgres/organizations/counts.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { mint, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/tenants';
const missing = 'org_nobody';

let broker: TestBroker;
let replica: TestBroker;
let operator: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  operator = await platformKey(broker);
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const call = (operation: string, body?: unknown, at = broker): Promise<Answer> =>
  at.call(operation, { as: null, headers: operator.headers, ...(body !== undefined && { body }) });
const provision = async (name = 'Acme Corp') => (await call(`POST ${path}`, { name })).body;
const change = (id: string, body: unknown) => call(`PATCH ${path}/${id}`, body);

const viewer = 'role_platform_viewer';
const admin = 'role_platform_operator';

describe.each([
  [`GET ${path}`, { may: viewer }],
  [`GET ${path}/${missing}`, { may: viewer }],
  [`POST ${path}`, { may: admin, mayNot: viewer }],
  [`PATCH ${path}/${missing}`, { may: admin, mayNot: viewer }],
  [`DELETE ${path}/${missing}`, { may: admin, mayNot: viewer }],
])('%s', (operation, roles) => {
  testOperatorAccess(() => broker, operation, roles);
});

describe('404', () => {
  test('one that never was, one that was deleted and one deleted again look all the same', async () => {
    const { id } = await provision();
    expect((await call(`DELETE ${path}/${id}`)).status).toBe(200);
    for (const [method, body] of [['GET'], ['PATCH', { status: 'active' }], ['DELETE']] as const) {
      const never = await call(`${method} ${path}/${missing}`, body);
      expectError(never, 404, 'ORGANIZATION_NOT_FOUND');
      expect(bytesOf(await call(`${method} ${path}/${id}`, body))).toBe(bytesOf(never));
    }
  });
});

describe('422', () => {
  test.each([
    ['', {}],
    ['name', { name: '' }],
    ['name', { name: 'a\u0000b' }],
    ['name', { name: 'x'.repeat(201) }],
    ['name', { name: 7 }],
    ['status', { status: 'deleted' }],
    ['status', { status: 'ACTIVE' }],
    ['', { name: 'x', revision: 7 }],
    ['', { id: 'org_mine' }],
    ['', { name: 'x', created_at: '2026-01-01T00:00:00Z' }],
  ])('a change blames %j for %j', async (blamed, body) => {
    const { id } = await provision();
    expectViolations(await change(id, body), blamed);
  });

  test('a provision takes a name and nothing else', async () => {
    expectViolations(await call(`POST ${path}`, {}), 'name');
    for (const more of [{ id: 'org_mine' }, { status: 'suspended' }, { organization_id: 'org_x' }]) {
      expectViolations(await call(`POST ${path}`, { name: 'x', ...more }), '');
    }
  });

  test('the organization of the platform itself cannot be spelled, and so not be touched', async () => {
    for (const [method, body] of [['GET'], ['PATCH', { status: 'suspended' }], ['DELETE']] as const) {
      expectViolations(await call(`${method} ${path}/_platform`, body), 'id');
    }
    await expect(setStatus(broker, '_platform', 'suspended')).rejects.toMatchObject({
      code: 'ORGANIZATION_NOT_FOUND',
    });
    expect((await call(`GET ${path}`)).status).toBe(200);
  });
});

describe('looking', () => {
  test('tells how many keys of each kind there are, and the environments', async () => {
    const { id } = await provision();
    await tenantKey(broker, id);
    await tenantKey(broker, id, { expiresAt: new Date(Date.now() - 1_000) });
    await mint(broker, { organization_id: id, environment: 'staging' });
    await mint(broker, { organization_id: id, user_id: 'usr_other' });
    expect((await call(`GET ${path}/${id}`)).body).toMatchObject({
      counts: { tenant_keys: 2, active_tenant_keys: 1, hidden_keys: 2, environments: 3 },
      environments: expect.arrayContaining(['default', 'staging', 'test']),
    });
  });

  test('of very many keys it counts no more than it says', async () => {
    const { id } = await provision();
    await fillWithHiddenKeys(id, countedMax + 1);
    expect((await call(`GET ${path}/${id}`)).body.counts.hidden_keys).toBe(countedMax);
  });
});

describe('provisioning', () => {
  test('answers with the new tenant, which has the default environment, and writes both down', async () => {
    const answer = await call(`POST ${path}`, { name: 'Acme Corp' });
    expect(answer.status).toBe(201);
    expect(answer.body).toStrictEqual({
      id: expect.stringMatching(/^org_[0-9A-Za-z]{22}$/),
      name: 'Acme Corp',
      status: 'active',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    const { id } = answer.body;
    expect((await call(`GET ${path}/${id}`)).body).toMatchObject(answer.body);
    const { headers } = await tenantKey(broker, id);
    const listed = await broker.call('GET /api/v1/environments', { as: null, headers });
    expect(listed.body.data).toMatchObject([{ name: 'default' }]);
    const events = await auditEventsOf(broker, { organizationId: id });
    expect(events.map(({ event_type, actor_id, details }) => [event_type, actor_id, details]).sort()).toEqual(
      [
        ['environment.created', operator.id, { slug: 'default' }],
        ['organization.created', operator.id, { name: 'Acme Corp' }],
      ],
    );
  });

  test('two tenants may have one name', async () => {
    const [one, two] = [await provision('Twin'), await provision('Twin')];
    expect(one.id).not.toBe(two.id);
  });

  test('an organization that came with its first key is a tenant like the others', async () => {
    const { organization_id } = await mint(broker);
    const { status, body } = await call(`GET ${path}/${organization_id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: organization_id, name: organization_id, status: 'active' });
  });
});

describe('suspending and resuming', () => {
  test('its own keys and hidden ones are refused by every process at once, and are good again afterwards', async () => {
    const { key, organization_id: id } = await mint(broker);
    const own = await tenantKey(broker, id);
    const environments = (at: TestBroker) =>
      at.call('GET /api/v1/environments', { as: null, headers: own.headers });
    for (const at of [broker, replica]) {
      expect((await verify(broker, key)).code).toBe('VALID');
      expect((await environments(at)).status).toBe(200);
    }
    const suspended = await change(id, { status: 'suspended' });
    expect(suspended).toMatchObject({
      status: 200,
      body: { id, status: 'suspended', propagation: 'complete', propagation_detail: { total: 2 } },
    });
    for (const at of [broker, replica]) {
      expect((await verify(at, key, {}, { as: broker.masterKey })).code).toBe('ORGANIZATION_SUSPENDED');
      expectError(await environments(at), 403, 'ORGANIZATION_SUSPENDED');
    }
    expect((await change(id, { status: 'active' })).body).toMatchObject({ status: 'active' });
    for (const at of [broker, replica]) {
      expect((await verify(at, key, {}, { as: broker.masterKey })).code).toBe('VALID');
      expect((await environments(at)).status).toBe(200);
    }
  });

  test('again is a success and not written down twice; a new name is', async () => {
    const { id } = await provision('Before');
    for (let time = 0; time < 2; time++) {
      const answer = await change(id, { name: 'After', status: 'suspended' });
      expect(answer.body).toMatchObject({ name: 'After', status: 'suspended', propagation: 'complete' });
    }
    const events = (await auditEventsOf(broker, { organizationId: id })).filter(
      ({ event_type }) => !event_type.endsWith('.created'),
    );
    expect(events.map(({ event_type, actor_id, details }) => [event_type, actor_id, details]).sort()).toEqual(
      [
        ['organization.status_changed', operator.id, { status: 'suspended' }],
        ['organization.updated', operator.id, { name: 'After', previous_name: 'Before' }],
      ],
    );
  });

  test('a change of the name alone leaves a suspended tenant suspended', async () => {
    const { id } = await provision();
    await change(id, { status: 'suspended' });
    expect((await change(id, { name: 'Renamed' })).body).toMatchObject({
      name: 'Renamed',
      status: 'suspended',
    });
  });
});

describe('deleting', () => {
  test('its keys are refused at once by every process, its id takes no new one, and one row has changed', async () => {
    const { key, organization_id: id } = await mint(broker);
    const own = await tenantKey(broker, id);
    expect((await verify(broker, key)).code).toBe('VALID');
    const before = await keysOf(id);
    const answer = await call(`DELETE ${path}/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toStrictEqual({
      success: true,
      deleted: id,
      propagation: 'complete',
      propagation_detail: expect.objectContaining({ acknowledged: 2, total: 2 }),
    });
    for (const at of [broker, replica]) {
      expect((await verify(at, key, {}, { as: broker.masterKey })).code).toBe('ORGANIZATION_SUSPENDED');
      const answered = await at.call('GET /api/v1/environments', { as: null, headers: own.headers });
      expectError(answered, 403, 'ORGANIZATION_SUSPENDED');
    }
    const body = { user_id: 'somebody', organization_id: id };
    expectError(await broker.call('POST /v1/flowplate/api-keys', { body }), 403, 'ORGANIZATION_SUSPENDED');
    expect(await keysOf(id)).toEqual(before);
    expect((await auditEventsOf(broker, { targetId: id })).at(-1)).toMatchObject({
      event_type: 'organization.status_changed',
      actor_id: operator.id,
      details: { status: 'deleted' },
    });
  });

  test('of ten at once one deletes it, and the others do not find it', async () => {
    const { id } = await provision();
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(`DELETE ${path}/${id}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(404)]);
  });
});

function keysOf(organizationId: string) {
  return broker.db.selectFrom('api_keys').selectAll().where('organization_id', '=', organizationId).execute();
}

/** Two hundred at a time, since no statement may take long, on a busy machine either. */
async function fillWithHiddenKeys(organizationId: string, count: number): Promise<void> {
  for (let first = 1; first <= count; first += 200) {
    await insertHiddenKeys(organizationId, first, Math.min(count, first + 199));
  }
}

async function insertHiddenKeys(organizationId: string, first: number, last: number): Promise<void> {
  await sql`
    INSERT INTO api_keys (id, lineage_id, pepper_id, digest, key_prefix, user_id, organization_id, environment, metadata, scopes,
      created_at, updated_at)
    SELECT 'key_fill' || n, 'key_fill' || n, 'p1', sha256(n::text::bytea), 'fl_user_test', 'usr_' || n, ${organizationId}, 'test',
      '{}', '{}', now(), now()
    FROM generate_series(${first}::int, ${last}::int) AS n`.execute(broker.db);
}
