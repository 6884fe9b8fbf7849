import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { created, getApiKey, inside, rotate } from '../../support/api-keys.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { hourMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('403: an operator cannot rotate a platform key with more rights than their own', async () => {
  const superAdmin = await platformKey(broker);
  const admin = await platformKey(broker, ['role_platform_operator']);
  const refused = await rotate(broker, admin.headers, superAdmin.id);
  expect(expectError(refused, 403, 'INSUFFICIENT_PERMISSIONS')).toMatchObject({
    required_role: 'role_platform_admin',
  });
  expect((await verify(broker, superAdmin.secret)).code).toBe('VALID');
});

test('403: a suspended organization gets no new key by rotation', async () => {
  const tenant = await tenantKey(broker, 'org_asleep');
  const { headers } = await platformKey(broker);
  await setStatus(broker, 'org_asleep', 'suspended');
  expectError(await rotate(broker, inside('org_asleep', headers), tenant.id), 403, 'ORGANIZATION_SUSPENDED');
});

test('409: a key that was rotated or has expired is not rotated', async () => {
  const { headers } = await platformKey(broker);
  const tenant = await tenantKey(broker, 'org_ended');
  const asOperator = inside('org_ended', headers);
  expect((await rotate(broker, asOperator, tenant.id)).status).toBe(200);
  const details = expectError(await rotate(broker, asOperator, tenant.id), 409, 'KEY_NOT_ACTIVE');
  expect(details).toEqual({ status: 'revoked' });
  const late = await tenantKey(broker, 'org_ended', { expiresAt: new Date(Date.now() + hourMs) });
  walkClock(broker, 2 * hourMs);
  const again = expectError(await rotate(broker, asOperator, late.id), 409, 'KEY_NOT_ACTIVE');
  expect(again).toEqual({ status: 'expired' });
});

describe('success', () => {
  test('the new key has its own id and secret and all settings; the old one is dead on every replica at once', async () => {
    const other = await broker.replica();
    const tenant = await tenantKey(broker, 'org_rotated');
    const expires_at = new Date(Date.now() + hourMs).toISOString();
    const settings = { name: 'app', description: 'd', scopes: ['read', 'x:y'], expires_at };
    const old = await created(broker, tenant.headers, settings);
    expect((await verify(other, old.key)).code).toBe('VALID');
    const answer = await rotate(broker, tenant.headers, old.id);
    expect((await verify(other, old.key)).code).toBe('REVOKED');
    expect(answer).toMatchObject({ status: 200, body: { ...settings, propagation: 'complete' } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body.propagation_detail).toMatchObject({ acknowledged: 2, total: 2 });
    expect(answer.body.id).not.toBe(old.id);
    expect((await verify(other, answer.body.key)).code).toBe('VALID');
    const shown = await getApiKey(broker, tenant.headers, old.id);
    expect(shown.body).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
    expect(await auditEventsOf(broker, { targetId: answer.body.id })).toMatchObject([
      { event_type: 'tenant.key.rotated', details: { previous_key_id: old.id } },
    ]);
    await other.close();
  });

  test('a key rotates itself', async () => {
    const tenant = await tenantKey(broker, 'org_self');
    const { body } = await rotate(broker, tenant.headers, tenant.id);
    expectError(await getApiKey(broker, tenant.headers, body.id), 401, 'AUTHENTICATION_REQUIRED');
    const successor = { authorization: `Bearer ${body.key}` };
    expect((await getApiKey(broker, successor, tenant.id)).body.status).toBe('revoked');
  });

  test('a platform key keeps its roles', async () => {
    const superAdmin = await platformKey(broker);
    const viewer = await platformKey(broker, ['role_platform_viewer']);
    const { body } = await rotate(broker, superAdmin.headers, viewer.id);
    expect(body).toMatchObject({ platform: true, role_ids: ['role_platform_viewer'] });
    expect(body.key).toMatch(/^flplatform_/);
  });

  test('of several at once one succeeds, and one key is left', async () => {
    const tenant = await tenantKey(broker, 'org_race');
    const { id } = await created(broker, tenant.headers);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => rotate(broker, tenant.headers, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    const active = await broker.db
      .selectFrom('api_keys')
      .select('id')
      .where('organization_id', '=', 'org_race')
      .where('status', '=', 'active')
      .execute();
    expect(active).toHaveLength(2);
  });
});
