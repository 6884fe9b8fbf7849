import { afterAll, beforeAll, expect, test } from 'vitest';
import { create, created, rotate } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError } from '../../support/errors.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const under = (key: string, { headers }: { headers: Record<string, string> }) => ({
  ...headers,
  'idempotency-key': key,
});

async function keysNamed(name: string): Promise<number> {
  return (await broker.db.selectFrom('api_keys').select('id').where('name', '=', name).execute()).length;
}

test.each([
  ['a tenant', () => tenantKey(broker, 'org_1'), {}],
  ['an operator', () => platformKey(broker), { platform: true }],
] as const)('copies of one request by %s, on two replicas at once, make one key', async (who, key, body) => {
  const other = await broker.replica();
  const headers = under('once', await key());
  const request = { name: who, ...body };
  const copies = await Promise.all(
    [broker, other, broker, other].map((replica) => create(replica, headers, request)),
  );
  expect(await keysNamed(who)).toBe(1);
  const secrets = copies.map((copy) => copy.body.key);
  expect(new Set(secrets).size, JSON.stringify(copies.map(({ body: answer }) => answer))).toBe(1);
  expect(copies.filter((copy) => copy.headers.get('idempotency-replayed') === 'true')).toHaveLength(3);
  await other.close();
});

test('another body under the same Idempotency-Key is refused', async () => {
  const headers = under('body', await tenantKey(broker, 'org_1'));
  await created(broker, headers, { name: 'one' });
  expectError(await create(broker, headers, { name: 'two' }), 422, 'IDEMPOTENCY_KEY_REUSED');
});

test('the same Idempotency-Key of another caller is another request', async () => {
  const here = await created(broker, under('shared', await tenantKey(broker, 'org_1')), { name: 'shared' });
  const there = await created(broker, under('shared', await tenantKey(broker, 'org_2')), { name: 'shared' });
  expect([here.organization_id, there.organization_id]).toEqual(['org_1', 'org_2']);
});

test('after a day it is a new request', async () => {
  const headers = under('day', await tenantKey(broker, 'org_1'));
  const first = await created(broker, headers, { name: 'day' });
  await broker.db
    .updateTable('idempotency_keys')
    .set({ created_at: new Date(Date.now() - 25 * 3_600_000) })
    .execute();
  expect((await created(broker, headers, { name: 'day' })).id).not.toBe(first.id);
});

test('a rotation is repeated without rotating again, and gives the secret again', async () => {
  const tenant = await tenantKey(broker, 'org_1');
  const { id } = await created(broker, tenant.headers);
  const first = await rotate(broker, under('rotate', tenant), id);
  const again = await rotate(broker, under('rotate', tenant), id);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.body.key).toBe(first.body.key);
  expect(again.headers.get('cache-control')).toBe('no-store');
});
