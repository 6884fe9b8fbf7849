import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, newOwner, refreshed, update, verify } from '../../support/keys.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

const path = '/api/v1/platform/hidden-keys';
const missing = 'flk_0000000000000000000000';

let broker: TestBroker;
let replica: TestBroker;
let operator: Awaited<ReturnType<typeof platformKey>>;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
  operator = await platformKey(broker, ['role_platform_operator']);
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

const call = (operation: string): Promise<Answer> =>
  broker.call(operation, { as: null, headers: operator.headers });

async function listed(query: Record<string, string>): Promise<string[]> {
  const answer = await call(`GET ${path}?${new URLSearchParams(query)}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.map(({ key_id }: { key_id: string }) => key_id);
}

const viewer = 'role_platform_viewer';
const admin = 'role_platform_operator';

describe.each([
  [`GET ${path}`, { may: viewer }],
  [`GET ${path}/${missing}`, { may: viewer }],
  [`GET ${path}/${missing}/usage`, { may: viewer }],
  [`DELETE ${path}/${missing}`, { may: admin, mayNot: viewer }],
  [`DELETE ${path}/user/nobody`, { may: admin, mayNot: viewer }],
])('%s', (operation, roles) => {
  testOperatorAccess(() => broker, operation, roles);
});

describe('404', () => {
  test('what never was is not found, and keys of other kinds have no such id', async () => {
    expectError(await call(`GET ${path}/${missing}`), 404, 'KEY_NOT_FOUND');
    expectError(await call(`GET ${path}/${missing}/usage`), 404, 'KEY_NOT_FOUND');
    expectError(await call(`DELETE ${path}/${missing}`), 404, 'KEY_NOT_FOUND');
    expectError(await call(`DELETE ${path}/user/nobody`), 404, 'USER_NOT_FOUND');
    const { id } = await tenantKey(broker, 'org_of_kinds');
    expectViolations(await call(`GET ${path}/${id}`), 'key_id');
    expectViolations(await call(`DELETE ${path}/${id}`), 'key_id');
    const refused = await call(`DELETE ${path}/user/${id}`);
    expect(bytesOf(refused)).toBe(bytesOf(await call(`DELETE ${path}/user/nobody`)));
  });
});

describe('422', () => {
  test.each([
    ['limit', 'limit=0'],
    ['cursor', 'cursor=evt_x'],
    ['status', 'status=dead'],
    ['user_id', 'user_id=a%20b'],
    ['environment', 'environment=PROD'],
    ['prefix', 'prefix='],
    ['prefix', 'prefix=%25'],
    ['prefix', 'prefix=fl_user_test_%'],
    ['prefix', `prefix=${'a'.repeat(34)}`],
    ['prefix', 'prefix=fl_user_t_123456789'],
    ['', 'key=fl_user_'],
  ])('%s is refused in ?%s', async (blamed, query) => {
    expectViolations(await call(`GET ${path}?${query}`), blamed);
  });

  test('a whole key in a search is refused, and comes back in no answer and no log line', async () => {
    const { key } = await mint(broker);
    const answer = await call(`GET ${path}?prefix=${key}`);
    expectViolations(answer, 'prefix');
    expect(JSON.stringify(answer.body) + broker.logLines.join('')).not.toContain(key.slice(-38));
  });
});

describe('looking', () => {
  test('a key is shown as its backend sees it, and the list shows the same', async () => {
    const { key_id, user_id } = await mint(broker, { scopes: ['orders:read'], metadata: { plan: 'gold' } });
    const { body } = await getKey(broker, key_id);
    expect((await call(`GET ${path}/${key_id}`)).body).toEqual(body);
    expect((await call(`GET ${path}?user_id=${user_id}`)).body).toEqual([body]);
  });

  test('every filter narrows, and they narrow together', async () => {
    const owner = newOwner();
    const here = await mint(broker, owner);
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    const colleague = await mint(broker, { organization_id: owner.organization_id });
    await update(broker, prod.key_id, { enabled: false });
    const { organization_id, user_id } = owner;
    const sorted = async (query: Record<string, string>) => (await listed(query)).sort();
    const ids = (...keys: Array<{ key_id: string }>) => keys.map(({ key_id }) => key_id).sort();
    expect(await sorted({ organization_id })).toEqual(ids(here, prod, colleague));
    expect(await sorted({ user_id })).toEqual(ids(here, prod));
    expect(await sorted({ organization_id, environment: 'prod' })).toEqual(ids(prod));
    expect(await sorted({ organization_id, status: 'disabled' })).toEqual(ids(prod));
    expect(await sorted({ organization_id, user_id, environment: 'test' })).toEqual(ids(here));
  });

  test('a key is found by any beginning of its prefix, in which `_` stands for itself', async () => {
    const wanted = await mint(broker, { environment: 'search' });
    const beside = await mint(broker, { environment: 'searchx' });
    const { key_prefix, key_id } = wanted;
    expect(await listed({ prefix: key_prefix })).toEqual([key_id]);
    expect(await listed({ prefix: key_prefix.slice(0, -4) })).toEqual([key_id]);
    expect(await listed({ prefix: 'fl_user_search_' })).toEqual([key_id]);
    expect((await listed({ prefix: 'fl_user_search' })).sort()).toEqual([key_id, beside.key_id].sort());
    expect(await listed({ prefix: 'fl_user_s_arch' })).toEqual([]);
    expect(await listed({ prefix: key_prefix, user_id: beside.user_id })).toEqual([]);
  });

  test('pages go newest first, keep what they were narrowed by, and end without a Link', async () => {
    const { organization_id } = newOwner();
    const minted = [];
    for (let count = 0; count < 3; count++) minted.push((await mint(broker, { organization_id })).key_id);
    const first = await call(`GET ${path}?organization_id=${organization_id}&limit=2`);
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
    expect(next).toContain(`organization_id=${organization_id}`);
    const second = await call(`GET ${next}`);
    expect(second.headers.get('link')).toBeNull();
    const ids = [...first.body, ...second.body].map(({ key_id }) => key_id);
    expect(ids.sort()).toEqual(minted.sort());
  });

  test('keys of tenants and of the platform are in no list', async () => {
    const { id } = await tenantKey(broker, 'org_of_lists');
    expect(await listed({ organization_id: 'org_of_lists' })).toEqual([]);
    const all = [...(await listed({ limit: '100' })), ...(await listed({ user_id: id }))];
    expect(all).not.toContain(id);
    expect(all).not.toContain(operator.id);
  });

  test('usage is what the backend is told', async () => {
    const { key, key_id } = await mint(broker);
    for (let time = 0; time < 3; time++) await verify(broker, key);
    await broker.settleUsage();
    const { body } = await broker.call(`GET ${keysPath}/${key_id}/usage?granularity=day`);
    expect(body.totals.requests).toBe(3);
    expect((await call(`GET ${path}/${key_id}/usage?granularity=day`)).body).toEqual(body);
  });
});

describe('revoking', () => {
  test('one key is refused by every process at once, and the operator is written down', async () => {
    const { key, key_id } = await mint(broker);
    const codes = () =>
      Promise.all([broker, replica].map((at) => verify(at, key, {}, { as: broker.masterKey })));
    expect(await codes()).toMatchObject([{ code: 'VALID' }, { code: 'VALID' }]);
    const answer = await call(`DELETE ${path}/${key_id}`);
    expect(answer).toMatchObject({
      status: 200,
      body: { success: true, revoked_count: 1, propagation: 'complete', propagation_detail: { total: 2 } },
    });
    expect(await codes()).toMatchObject([{ code: 'REVOKED' }, { code: 'REVOKED' }]);
    expect((await call(`DELETE ${path}/${key_id}`)).body).toMatchObject({ revoked_count: 0 });
    expect((await auditEventsOf(broker, { targetId: key_id })).slice(1)).toMatchObject([
      { event_type: 'key.revoked', actor_kind: 'platform_key', actor_id: operator.id },
    ]);
  });

  test("all of a user's keys go, in every organization, those in their grace included", async () => {
    const { user_id } = newOwner();
    const [one, two, other] = [
      await mint(broker, { user_id }),
      await mint(broker, { user_id }),
      await mint(broker),
    ];
    const three = await refreshed(broker, two, { grace_period_seconds: 600 });
    const answer = await call(`DELETE ${path}/user/${user_id}`);
    expect(answer.body).toMatchObject({ success: true, revoked_count: 3, propagation: 'complete' });
    for (const { key } of [one, two, three]) expect((await verify(broker, key)).code).toBe('REVOKED');
    expect((await verify(broker, other.key)).code).toBe('VALID');
    expect((await call(`DELETE ${path}/user/${user_id}`)).body).toMatchObject({ revoked_count: 0 });
  });
});
