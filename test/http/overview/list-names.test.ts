import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { mint } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { bootstrapped, type LoggedIn } from '../../support/platform-users.ts';

let broker: TestBroker;
let root: LoggedIn;
let ids: Record<'user' | 'tenant' | 'apiKey' | 'named' | 'nameless' | 'role' | 'masterKey', string>;
let prefix: string;
beforeAll(async () => {
  broker = await startBroker();
  root = await bootstrapped(broker);
  const { id: apiKey } = await tenantKey(broker, 'org_named', { name: 'Billing' });
  const named = await mint(broker, { organization_id: 'org_named', name: 'Phone' });
  const nameless = await mint(broker, { organization_id: 'org_named', user_id: 'usr_other' });
  prefix = nameless.key_prefix;
  const { id: masterKey } = await broker.createMasterKey({ name: 'Gateway' });
  ids = {
    ...{ user: root.id, tenant: 'org_named', apiKey, named: named.key_id, nameless: nameless.key_id },
    ...{ role: 'role_platform_viewer', masterKey },
  };
});
afterAll(() => broker.close());

async function namesFor(headers: Record<string, string>, asked: readonly string[]) {
  const { status, body } = await broker.call(`GET /api/v1/platform/names?ids=${asked}`, {
    as: null,
    headers,
  });
  expect(status).toBe(200);
  return Object.fromEntries(body.data.map(({ id, name }: { id: string; name: string }) => [id, name]));
}

test('422: more than 100 ids, or none that can be one', async () => {
  const many = Array.from({ length: 101 }, (_, index) => `org_${index}`);
  for (const asked of [many.join(), '', 'a b', 'org_x,,org_y']) {
    const path = `GET /api/v1/platform/names?ids=${encodeURIComponent(asked)}`;
    expectViolations(await broker.call(path, { as: null, headers: root.headers }), 'ids');
  }
});

test('a super-admin is told the name of each thing; unknown ids are absent', async () => {
  expect(await namesFor(root.headers, [...Object.values(ids), 'org_unknown', '_platform'.slice(1)])).toEqual({
    [ids.user]: 'Root',
    [ids.tenant]: 'org_named',
    [ids.apiKey]: 'Billing',
    [ids.named]: 'Phone',
    [ids.nameless]: `${prefix}…`,
    [ids.role]: 'read-only',
    [ids.masterKey]: 'Gateway',
  });
});

test('others are told the names of what they may list: users need another right, master keys a super-admin', async () => {
  const viewer = await platformKey(broker, ['role_platform_viewer']);
  const told = await namesFor(viewer.headers, Object.values(ids));
  expect(Object.keys(told).sort()).toEqual(
    [ids.tenant, ids.apiKey, ids.named, ids.nameless, ids.role].sort(),
  );
  const nobody = await platformKey(broker, []);
  expect(await namesFor(nobody.headers, Object.values(ids))).toEqual({});
});
