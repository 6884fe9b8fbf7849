import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { created, getApiKey, revokeApiKey } from '../../support/api-keys.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { hourMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('403: an operator cannot revoke a platform key with more rights than their own', async () => {
  const superAdmin = await platformKey(broker);
  const admin = await platformKey(broker, ['role_platform_operator']);
  expectError(await revokeApiKey(broker, admin.headers, superAdmin.id), 403, 'INSUFFICIENT_PERMISSIONS');
  expect((await verify(broker, superAdmin.secret)).code).toBe('VALID');
});

describe('success', () => {
  test('the key is refused on every replica at once, and stays to be seen', async () => {
    const other = await broker.replica();
    const tenant = await tenantKey(broker, 'org_revoked');
    const { id, key } = await created(broker, tenant.headers);
    expect((await verify(other, key)).code).toBe('VALID');
    const answer = await revokeApiKey(broker, tenant.headers, id);
    expect((await verify(other, key)).code).toBe('REVOKED');
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, id, status: 'revoked', revoked_at: expect.any(String), propagation: 'complete' },
    });
    expect((await getApiKey(broker, tenant.headers, id)).body.status).toBe('revoked');
    await other.close();
  });

  test('again is a success that changes nothing and is not written down twice', async () => {
    const tenant = await tenantKey(broker, 'org_again');
    const { id } = await created(broker, tenant.headers);
    const first = await revokeApiKey(broker, tenant.headers, id);
    const before = await auditEventsOf(broker, { targetId: id });
    expect(before.map(({ event_type }) => event_type)).toEqual(['tenant.key.created', 'tenant.key.revoked']);
    const again = await revokeApiKey(broker, tenant.headers, id);
    expect(again).toMatchObject({ status: 200, body: { revoked_at: first.body.revoked_at } });
    expect(await auditEventsOf(broker, { targetId: id })).toEqual(before);
  });

  test('a key that has expired stays expired', async () => {
    const { headers } = await platformKey(broker);
    const late = await tenantKey(broker, 'org_late', { expiresAt: new Date(Date.now() + hourMs) });
    walkClock(broker, 2 * hourMs);
    const answer = await revokeApiKey(broker, headers, late.id);
    expect(answer).toMatchObject({ status: 200, body: { status: 'expired', revoked_at: null } });
  });
});
