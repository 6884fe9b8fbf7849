import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callAs, created, type Headers, inside, revokeApiKey } from '../support/api-keys.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { mint, refresh, revoke, update } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { register } from './verifiers/verifier-calls.ts';

let broker: TestBroker;
/** A gateway that has a lease and confirms nothing. */
let silent: { verifierId: string; masterKeyId: string };
beforeAll(async () => {
  broker = await startBroker({ LEASE_MS: '20000' });
});
afterAll(() => broker.close());
beforeEach(async () => {
  await broker.db.deleteFrom('verifiers').where('master_key_id', 'is not', null).execute();
  const { id, secret: as } = await broker.createMasterKey();
  const { verifier_id } = await register(broker, { as });
  silent = { verifierId: verifier_id, masterKeyId: id };
});

async function operatorWith(permissions: string[]): Promise<Headers> {
  const { headers } = await platformKey(broker);
  const body = { name: permissions.join(' '), permissions };
  const { body: role } = await callAs(broker, headers, 'POST /api/v1/platform/roles', body);
  return (await platformKey(broker, [role.id])).headers;
}

async function revokeHidden(headers: Headers) {
  const { key_id } = await mint(broker);
  const operation = `DELETE /api/v1/platform/hidden-keys/${key_id}`;
  return (await callAs(broker, headers, operation)).body.propagation_detail;
}

describe('a change that is pending names who holds it up', () => {
  const named = () => [{ verifier_id: silent.verifierId, master_key_id: silent.masterKeyId }];

  test('to operators who may see the verifiers', async () => {
    const headers = await operatorWith(['platform:hidden_keys:manage', 'platform:keys:read']);
    expect((await revokeHidden(headers)).held_up_by).toEqual(named());
  });

  test('to those as well when they act inside a tenant', async () => {
    const { headers } = await platformKey(broker);
    await tenantKey(broker, 'org_inside');
    const { id } = await created(broker, inside('org_inside', headers));
    const { body } = await revokeApiKey(broker, inside('org_inside', headers), id);
    expect(body.propagation_detail.held_up_by).toEqual(named());
  });

  test('and to nobody else: other operators, tenants, and backends with their master keys', async () => {
    const headers = await operatorWith(['platform:hidden_keys:manage']);
    const tenant = await tenantKey(broker, 'org_outside');
    const { id } = await created(broker, tenant.headers);
    const [one, other, third] = [await mint(broker), await mint(broker), await mint(broker)];
    const details = await Promise.all([
      revokeHidden(headers),
      revokeApiKey(broker, tenant.headers, id).then(({ body }) => body.propagation_detail),
      ...[
        revoke(broker, one.key_id),
        refresh(broker, other),
        update(broker, third.key_id, { name: 'x' }),
      ].map(async (answer) => (await answer).body.propagation_detail),
    ]);
    for (const detail of details) {
      expect(Object.keys(detail).sort()).toEqual(['acknowledged', 'effective_by', 'total', 'waited_ms']);
      expect(detail.acknowledged).toBe(detail.total - 1);
    }
  });

  test('not when it is complete', async () => {
    await broker.db.deleteFrom('verifiers').where('id', '=', silent.verifierId).execute();
    const { headers } = await platformKey(broker);
    expect(await revokeHidden(headers)).not.toHaveProperty('held_up_by');
  });
});

test('the log names the master key, and the metrics count without naming it', async () => {
  const { key_id } = await mint(broker);
  const countOf = async (name: string) => {
    const lines = (await broker.metrics.registry.metrics()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1] ?? 0);
  };
  const names = ['flowplate_pending_changes_total', 'flowplate_held_up_by_verifiers_total{kind="embedded"}'];
  const before = await Promise.all(names.map(countOf));
  await revoke(broker, key_id);
  expect(await Promise.all(names.map(countOf))).toEqual(before.map((count) => count + 1));
  const line = broker.logLines.findLast((text) => text.includes('a change is pending'));
  expect(JSON.parse(line ?? '{}')).toMatchObject({
    held_up_by: [{ verifierId: silent.verifierId, masterKeyId: silent.masterKeyId }],
  });
  expect(await broker.metrics.registry.metrics()).not.toContain(silent.masterKeyId);
});

test('the list of verifiers says for how long one has been behind', async () => {
  const { headers } = await platformKey(broker);
  const { key_id } = await mint(broker);
  await revoke(broker, key_id);
  const { body } = await callAs(broker, headers, 'GET /api/v1/platform/verifiers');
  const behindOf = (id: string) =>
    body.data.find((verifier: { id: string }) => verifier.id === id)?.behind_ms as number;
  expect(behindOf(silent.verifierId)).toBeGreaterThanOrEqual(2_000);
  const api = body.data.find(({ kind }: { kind: string }) => kind === 'api');
  expect(behindOf(api.id)).toBe(0);
});
