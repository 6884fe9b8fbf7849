import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  apiKeysPath,
  callAs,
  create,
  created,
  getApiKey,
  inside,
  listApiKeys,
} from '../../support/api-keys.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { organization, platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  await organization(broker, 'org_new');
});
afterAll(() => broker.close());

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

async function keysEver(): Promise<number> {
  return (await broker.db.selectFrom('api_keys').select('id').execute()).length;
}

describe('403', () => {
  test('a caller inside an organization cannot create a platform key', async () => {
    const tenant = await tenantKey(broker, 'org_new');
    const operator = await platformKey(broker);
    for (const headers of [tenant.headers, inside('org_new', operator.headers)]) {
      const before = await keysEver();
      expectError(
        await create(broker, headers, { name: 'x', platform: true }),
        403,
        'INSUFFICIENT_PERMISSIONS',
      );
      expect(await keysEver()).toBe(before);
    }
  });

  test('an operator cannot give a key a role with more rights than their own', async () => {
    const admin = await platformKey(broker, ['role_platform_operator']);
    const body = { name: 'x', platform: true, role_ids: ['role_platform_admin'] };
    const details = expectError(await create(broker, admin.headers, body), 403, 'INSUFFICIENT_PERMISSIONS');
    expect(details).toMatchObject({ required_role: 'role_platform_admin' });
    const events = await auditEventsOf(broker, { targetId: 'createApiKey' });
    expect(events.at(-1)).toMatchObject({ event_type: 'platform.access.refused', actor_id: admin.id });
  });

  test('a suspended organization gets no new key, also from an operator who is inside it', async () => {
    await organization(broker, 'org_asleep');
    await setStatus(broker, 'org_asleep', 'suspended');
    const { headers } = await platformKey(broker);
    const answer = await create(broker, inside('org_asleep', headers), { name: 'x' });
    expectError(answer, 403, 'ORGANIZATION_SUSPENDED');
  });
});

describe('422', () => {
  test('no column of the table can be set that is not a field of the request', async () => {
    const tenant = await tenantKey(broker, 'org_new');
    const row = await broker.db.selectFrom('api_keys').selectAll().limit(1).executeTakeFirstOrThrow();
    const fields = ['name', 'description', 'scopes', 'role_ids', 'environment', 'expires_at'];
    const others = Object.entries(row).filter(([column]) => !fields.includes(column));
    expect(others.length).toBeGreaterThan(15);
    for (const [column, value] of others) {
      expectViolations(await create(broker, tenant.headers, { name: 'x', [column]: value ?? 'x' }), '');
    }
    for (const column of Object.keys(row)) {
      const answer = await callAs(broker, tenant.headers, `POST ${apiKeysPath}/${tenant.id}/rotate`, {
        [column]: 'x',
      });
      expectViolations(answer, '');
    }
  });

  test.each([
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'a'.repeat(201) }],
    ['name', { name: 'two\nlines' }],
    ['name', { name: '\ud800' }],
    ['description', { name: 'x', description: 'a'.repeat(1_001) }],
    ['scopes.0', { name: 'x', scopes: ['a b'] }],
    ['environment', { name: 'x', environment: 'PROD' }],
    ['environment', { name: 'x', environment: 'nowhere' }],
    ['expires_at', { name: 'x', expires_at: 'tomorrow' }],
    ['expires_at', { name: 'x', expires_at: '2020-01-01T00:00:00Z' }],
    ['platform', { name: 'x', platform: 'yes' }],
    ['role_ids', { name: 'x', role_ids: ['role_platform_viewer'] }],
  ])('a tenant is refused a wrong %s: %j', async (path, body) => {
    const tenant = await tenantKey(broker, 'org_new');
    expectViolations(await create(broker, tenant.headers, body), path);
  });

  test.each([
    ['X-Flowplate-Org', { name: 'x' }],
    ['X-Flowplate-Org', { name: 'x', platform: false }],
    ['environment', { name: 'x', platform: true, environment: 'default' }],
    ['role_ids', { name: 'x', platform: true, role_ids: [] }],
    ['role_ids', { name: 'x', platform: true, role_ids: ['role_nobody_knows'] }],
  ])('an operator outside of organizations is refused a wrong %s: %j', async (path, body) => {
    const { headers } = await platformKey(broker);
    expectViolations(await create(broker, headers, body), path);
  });
});

describe('success', () => {
  test('a tenant gets a key of its own organization, which works at once and shows its secret only here', async () => {
    const tenant = await tenantKey(broker, 'org_new');
    const body = { name: 'mobile', description: 'the app', scopes: ['read'], expires_at: inAnHour() };
    const answer = await create(broker, tenant.headers, body);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { id, key, created_at } = answer.body;
    expect(id).toMatch(/^ak_[0-9A-Za-z]{22}$/);
    expect(key).toMatch(/^flkey_[0-9A-Za-z]{46}$/);
    expect(answer.body).toStrictEqual({
      id,
      name: 'mobile',
      description: 'the app',
      key,
      prefix: key.slice(0, 'flkey_'.length + 8),
      suffix: key.slice(-4),
      platform: false,
      scopes: ['read'],
      role_ids: [],
      environment: 'default',
      organization_id: 'org_new',
      expires_at: body.expires_at,
      created_at,
    });
    expect(await verify(broker, key)).toMatchObject({ code: 'VALID', organization_id: 'org_new' });
    const shown = await getApiKey(broker, tenant.headers, id);
    expect(shown.body).toMatchObject({
      key_masked: `${key.slice(0, 14)}…${key.slice(-4)}`,
      status: 'active',
    });
    expect(JSON.stringify(shown.body)).not.toContain(key.slice(14, 46));
    expect(broker.logLines.join('')).not.toContain(key.slice(14, 46));
    expect(await auditEventsOf(broker, { targetId: id })).toMatchObject([
      { event_type: 'tenant.key.created', actor_id: tenant.id, organization_id: 'org_new' },
    ]);
  });

  test('an operator who impersonates makes a key of that organization, on the record of both', async () => {
    const operator = await platformKey(broker);
    const { id, organization_id } = await created(broker, inside('org_new', operator.headers));
    expect(organization_id).toBe('org_new');
    const event = await broker.db
      .selectFrom('audit_events')
      .selectAll()
      .where('target_id', '=', id)
      .executeTakeFirstOrThrow();
    expect(event).toMatchObject({
      event_type: 'tenant.key.created',
      actor_kind: 'platform_key',
      actor_id: operator.id,
      on_behalf_of: 'org_new',
    });
  });

  test('the seed: a platform key has the roles of its maker, and is an operator at once', async () => {
    const operator = await platformKey(broker);
    const made = await created(broker, operator.headers, { name: 'my-ci-key', platform: true });
    expect(made).toMatchObject({
      name: 'my-ci-key',
      platform: true,
      role_ids: ['role_platform_admin'],
      organization_id: null,
      environment: null,
      expires_at: null,
    });
    expect(made.key).toMatch(/^flplatform_[0-9A-Za-z]{46}$/);
    const listed = await listApiKeys(broker, { authorization: `Bearer ${made.key}` }, { platform: 'true' });
    expect(listed.data.map(({ id }) => id)).toContain(made.id);
    expect(await auditEventsOf(broker, { targetId: made.id })).toMatchObject([
      { event_type: 'platform.key.created', organization_id: null },
    ]);
  });

  test('fewer roles than its maker has may be given', async () => {
    const admin = await platformKey(broker, ['role_platform_operator']);
    const body = { platform: true, role_ids: ['role_platform_viewer', 'role_platform_viewer'] };
    const { key, role_ids } = await created(broker, admin.headers, body);
    expect(role_ids).toEqual(['role_platform_viewer']);
    const answer = await create(broker, { authorization: `Bearer ${key}` }, { name: 'x', platform: true });
    expectError(answer, 403, 'INSUFFICIENT_PERMISSIONS');
  });
});
