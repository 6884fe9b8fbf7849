import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { bootstrapped, type LoggedIn } from '../../support/platform-users.ts';

let broker: TestBroker;
let root: LoggedIn;
beforeAll(async () => {
  broker = await startBroker({ TRUSTED_PROXIES: '127.0.0.0/8' });
  root = await bootstrapped(broker);
});
afterAll(() => broker.close());

const from = (address: string) => ({ 'x-forwarded-for': address });

async function addressesOf(eventType: string): Promise<unknown[]> {
  const query = broker.db
    .selectFrom('audit_events')
    .select('client_address')
    .where('event_type', '=', eventType);
  return (await query.orderBy('id').execute()).map((row) => row.client_address);
}

test('every way to an event writes the address of its request', async () => {
  const body = { user_id: 'u_1', organization_id: 'org_1' };
  const minted = await broker.call('POST /v1/flowplate/api-keys', { body, headers: from('203.0.113.1') });
  await broker.call('POST /v1/flowplate/api-keys/u_1/org_1/refresh', {
    body: {},
    headers: from('203.0.113.2'),
  });
  await broker.call('DELETE /v1/flowplate/api-keys/u_1/org_1', { headers: from('203.0.113.3') });
  const asRoot = (operation: string, address: string, more: object = {}) =>
    broker.call(operation, { as: null, headers: { ...root.headers, ...from(address), ...more } });
  await asRoot('GET /api/v1/environments', '203.0.113.4', { 'x-flowplate-org': 'org_1' });
  const viewer = await platformKey(broker, ['role_platform_viewer']);
  await broker.call('DELETE /api/v1/platform/roles/role_x', {
    as: null,
    headers: { ...viewer.headers, ...from('203.0.113.5') },
  });
  expect(minted.status).toBe(201);
  expect(await addressesOf('key.minted')).toEqual(['203.0.113.1']);
  expect(await addressesOf('key.refreshed')).toEqual(['203.0.113.2']);
  expect(await addressesOf('key.revoked')).toEqual(['203.0.113.3']);
  expect(await addressesOf('platform.impersonated')).toEqual(['203.0.113.4']);
  expect(await addressesOf('platform.access.refused')).toEqual(['203.0.113.5']);
});
