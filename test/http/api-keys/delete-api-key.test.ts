import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  created,
  getApiKey,
  idsOf,
  listApiKeys,
  removeApiKey,
  revokeApiKey,
} from '../../support/api-keys.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { verify } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test('403: an operator cannot delete a platform key with more rights than their own', async () => {
  const superAdmin = await platformKey(broker);
  const admin = await platformKey(broker, ['role_platform_operator']);
  expectError(await removeApiKey(broker, admin.headers, superAdmin.id), 403, 'INSUFFICIENT_PERMISSIONS');
  expect((await verify(broker, superAdmin.secret)).code).toBe('VALID');
});

describe('success', () => {
  test('the key is refused on every replica at once, and gone', async () => {
    const other = await broker.replica();
    const tenant = await tenantKey(broker, 'org_gone');
    const { id, key } = await created(broker, tenant.headers);
    expect((await verify(other, key)).code).toBe('VALID');
    const answer = await removeApiKey(broker, tenant.headers, id);
    expect((await verify(other, key)).code).toBe('NOT_FOUND');
    expect((await verify(broker, key)).code).toBe('NOT_FOUND');
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, deleted: id, propagation: 'complete' },
    });
    expectError(await getApiKey(broker, tenant.headers, id), 404, 'KEY_NOT_FOUND');
    expect(idsOf((await listApiKeys(broker, tenant.headers)).data)).not.toContain(id);
    expect((await auditEventsOf(broker, { targetId: id })).at(-1)).toMatchObject({
      event_type: 'tenant.key.deleted',
      details: { name: 'test' },
    });
    await other.close();
  });

  test('again there is no such key', async () => {
    const tenant = await tenantKey(broker, 'org_twice');
    const { id } = await created(broker, tenant.headers);
    await removeApiKey(broker, tenant.headers, id);
    expectError(await removeApiKey(broker, tenant.headers, id), 404, 'KEY_NOT_FOUND');
  });

  test('a revoked key can be deleted as well', async () => {
    const tenant = await tenantKey(broker, 'org_both');
    const { id } = await created(broker, tenant.headers);
    await revokeApiKey(broker, tenant.headers, id);
    expect((await removeApiKey(broker, tenant.headers, id)).status).toBe(200);
  });
});
