import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { keysPath, mint, newOwner, type Owner, refresh, refreshed, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { organization, platformKey, tenantKey } from '../../support/platform-callers.ts';

const missing = 'org_nobody';
const pathOf = (id: string) => `/api/v1/platform/tenants/${id}/policy`;

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
const tryMint = (owner: Owner, body: object = {}, at = broker) =>
  at.call(`POST ${keysPath}`, { body: { ...owner, ...body } });
const patch = (keyId: string, body: object) => broker.call(`PATCH ${keysPath}/${keyId}`, { body });

/** A new user in a new organization with this policy. */
async function governed(policy?: object): Promise<Owner> {
  const owner = newOwner();
  await organization(broker, owner.organization_id);
  if (policy !== undefined) await set(owner, policy);
  return owner;
}

async function set({ organization_id }: Owner, policy: object, at = broker): Promise<void> {
  const answer = await call(`PUT ${pathOf(organization_id)}`, policy, at);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

/** Expects a refusal by these rules of a policy. */
function expectRules(answer: Answer, ...rules: string[]): void {
  expectError(answer, 422, 'VALIDATION_ERROR');
  expect(answer.body.error.details.map(({ rule }: { rule: string }) => rule)).toEqual(rules);
}

const viewer = 'role_platform_viewer';
const admin = 'role_platform_operator';

describe.each([
  [`GET ${pathOf(missing)}`, { may: viewer }],
  [`PUT ${pathOf(missing)}`, { may: admin, mayNot: viewer }],
  [`DELETE ${pathOf(missing)}`, { may: admin, mayNot: viewer }],
  [`POST ${pathOf(missing)}/report`, { may: viewer }],
])('%s', (operation, roles) => {
  testOperatorAccess(() => broker, operation, roles);
});

describe('403 and 404', () => {
  test('an organization that never was, and a deleted one, look the same', async () => {
    const { organization_id: deleted } = await governed({ expiry_required: true });
    await setStatus(broker, deleted, 'deleted');
    for (const [method, more, body] of [
      ['GET', ''],
      ['PUT', '', { expiry_required: true }],
      ['DELETE', ''],
      ['POST', '/report', {}],
    ] as const) {
      const never = await call(`${method} ${pathOf(missing)}${more}`, body);
      expectError(never, 404, 'ORGANIZATION_NOT_FOUND');
      expect(bytesOf(await call(`${method} ${pathOf(deleted)}${more}`, body))).toBe(bytesOf(never));
    }
  });

  test('an operator inside one organization neither reads nor changes the policy of another', async () => {
    const [here, there] = [await governed(), await governed({ expiry_required: true })];
    const headers = { ...operator.headers, 'x-flowplate-org': here.organization_id };
    for (const [method, more, body] of [
      ['GET', ''],
      ['PUT', '', { ttl_seconds_max: 1 }],
      ['DELETE', ''],
      ['POST', '/report', {}],
    ] as const) {
      const answer = await broker.call(`${method} ${pathOf(there.organization_id)}${more}`, {
        as: null,
        headers,
        ...(body !== undefined && { body }),
      });
      expectError(answer, 404, 'ORGANIZATION_NOT_FOUND');
    }
    expectRules(await tryMint(there), 'expiry_required');
  });

  test('a tenant reads its own policy, and no key of a tenant changes one', async () => {
    const owner = await governed({ expiry_required: true });
    const { headers } = await tenantKey(broker, owner.organization_id);
    const own = await broker.call('GET /api/v1/policy', { as: null, headers });
    expect(own.body).toEqual({ policy: { expiry_required: true }, version: expect.any(String) });
    for (const operation of [
      `PUT ${pathOf(owner.organization_id)}`,
      `DELETE ${pathOf(owner.organization_id)}`,
      `GET ${pathOf(owner.organization_id)}`,
    ]) {
      const answer = await broker.call(operation, { as: null, headers, body: { ttl_seconds_max: 5 } });
      expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
    }
    expectError(
      await broker.call('PUT /api/v1/policy', { as: null, headers, body: {} }),
      405,
      'METHOD_NOT_ALLOWED',
    );
    const other = await tenantKey(broker, (await governed()).organization_id, { scopes: ['read'] });
    const none = await broker.call('GET /api/v1/policy', { as: null, headers: other.headers });
    expect(none.body).toEqual({ policy: null, version: null });
  });

  test('a master key changes no policy', async () => {
    const { organization_id } = await governed();
    const answer = await broker.call(`PUT ${pathOf(organization_id)}`, { body: { expiry_required: true } });
    expectError(answer, 401, 'AUTHENTICATION_REQUIRED');
  });
});

describe('422 for a document', () => {
  test.each<[string, object]>([
    ['', {}],
    ['', { expiry_required: true, ttl: 3 }],
    ['expiry_required', { expiry_required: 'yes' }],
    ['ttl_seconds_max', { ttl_seconds_max: 0 }],
    ['ttl_seconds_max', { ttl_seconds_max: 1.5 }],
    ['ttl_seconds_default', { ttl_seconds_max: 5, ttl_seconds_default: 6 }],
    ['rate_limit_max.window_seconds', { rate_limit_max: { limit: 5 } }],
    ['rate_limit_max', { rate_limit_max: { limit: 5, window_seconds: 1, on_unavailable: 'deny' } }],
    [
      'rate_limit_default',
      {
        rate_limit_max: { limit: 5, window_seconds: 60 },
        rate_limit_default: { limit: 1, window_seconds: 1 },
      },
    ],
    ['quota_max.period', { quota_max: { limit: 5, period: 'year' } }],
    ['allowed_scopes.0', { allowed_scopes: ['two words'] }],
    ['allowed_environments', { allowed_environments: [] }],
    ['allowed_environments.0', { allowed_environments: ['Prod'] }],
  ])('blames %j in %j', async (blamed, document) => {
    const { organization_id } = await governed();
    expectViolations(await call(`PUT ${pathOf(organization_id)}`, document), blamed);
    expect((await call(`GET ${pathOf(organization_id)}`)).body.policy).toBeNull();
  });
});

test('the example of the page on operations is a policy', async () => {
  const page = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const [, example = ''] = /^## Policies$[\s\S]*?```json\n([\s\S]*?)```/m.exec(page) ?? [];
  await set(await governed(), JSON.parse(example));
});

describe('a mint', () => {
  test('is refused with every rule that it breaks, what is allowed and what was asked', async () => {
    const owner = await governed({
      ttl_seconds_max: 3_600,
      allowed_scopes: ['orders:read'],
      quota_max: { limit: 100, period: 'day' },
    });
    const answer = await tryMint(owner, { ttl_seconds: 7_200, scopes: ['orders:read', 'orders:write'] });
    expectRules(answer, 'ttl_seconds_max', 'quota_max', 'allowed_scopes');
    expect(answer.body.error.details).toMatchObject([
      { path: 'expires_at', allowed: 3_600, asked: 7_200 },
      { path: 'quota', allowed: { limit: 100, period: 'day' }, asked: null },
      { path: 'scopes', allowed: ['orders:read'], asked: ['orders:write'] },
    ]);
    expect(answer.body.error.system_message).toContain('ttl_seconds_max');
    const quota = { limit: 100, period: 'day' };
    expect((await tryMint(owner, { ttl_seconds: 3_600, scopes: ['orders:read'], quota })).status).toBe(201);
  });

  test('gets the defaults, and its answer, its record and its verification say so', async () => {
    const owner = await governed({
      ttl_seconds_default: 3_600,
      rate_limit_default: { limit: 2, window_seconds: 60 },
      quota_default: { limit: 50, period: 'month' },
    });
    const minted = await mint(broker, owner);
    const given = {
      rate_limit: { limit: 2, window_seconds: 60 },
      quota: { limit: 50, period: 'month' },
      expires_at: new Date(Date.parse(minted.created_at) + 3_600_000).toISOString(),
    };
    expect(minted).toMatchObject(given);
    expect((await broker.call(`GET ${keysPath}/${minted.key_id}`)).body).toMatchObject(given);
    for (const at of [broker, replica]) {
      expect(await verify(at, minted.key)).toMatchObject({ valid: true, expires_at: given.expires_at });
    }
    expect(await verify(broker, minted.key)).toMatchObject({ valid: false, code: 'RATE_LIMITED' });
  });

  test('keeps what it asks for within the policy', async () => {
    const owner = await governed({ rate_limit_default: { limit: 2, window_seconds: 60 } });
    const rate_limit = { limit: 9, window_seconds: 1 };
    expect(await mint(broker, { ...owner, rate_limit })).toMatchObject({ rate_limit });
  });

  test('that is repeated gets the same answer, defaults included, whatever the policy is now', async () => {
    const owner = await governed({ rate_limit_default: { limit: 2, window_seconds: 60 } });
    const headers = { 'idempotency-key': randomUUID() };
    const first = await broker.call(`POST ${keysPath}`, { headers, body: owner });
    expect(first.body.rate_limit).toEqual({ limit: 2, window_seconds: 60 });
    await set(owner, { expiry_required: true });
    const again = await broker.call(`POST ${keysPath}`, { headers, body: owner });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
  });

  test('creates no environment that the policy does not allow', async () => {
    const owner = await governed({ allowed_environments: ['stage'] });
    expectRules(await tryMint(owner, { environment: 'prod' }), 'allowed_environments');
    expect((await call(`GET /api/v1/platform/tenants/${owner.organization_id}`)).body.environments).toEqual([
      'default',
    ]);
    expect((await tryMint(owner, { environment: 'stage' })).status).toBe(201);
  });

  test('of a suspended organization says so, whatever its policy', async () => {
    const owner = await governed({ expiry_required: true });
    expectRules(await tryMint(owner), 'expiry_required');
    await setStatus(broker, owner.organization_id, 'suspended');
    expectError(await tryMint(owner), 403, 'ORGANIZATION_SUSPENDED');
  });

  test('in an organization without a policy is as it was', async () => {
    const minted = await mint(broker);
    expect(minted).not.toHaveProperty('rate_limit');
    expect(minted).not.toHaveProperty('expires_at');
  });
});

describe('a policy holds from its answer on, in every process', () => {
  test('for mints that begin after it, tightened, loosened, cleared and set again', async () => {
    const owner = await governed();
    const others = () => ({ ...owner, user_id: `usr_${randomUUID()}` });
    const both = [broker, replica];
    for (let round = 0; round < 10; round++) {
      const [at = broker, elsewhere = replica] = round % 2 === 0 ? both : both.toReversed();
      await set(owner, { expiry_required: true }, at);
      expectRules(await tryMint(others(), {}, elsewhere), 'expiry_required');
      await set(owner, { rate_limit_default: { limit: round + 1, window_seconds: 1 } }, elsewhere);
      const minted = await tryMint(others(), {}, at);
      expect(minted.body.rate_limit).toEqual({ limit: round + 1, window_seconds: 1 });
      await call(`DELETE ${pathOf(owner.organization_id)}`, undefined, at);
      const free = await tryMint(others(), {}, elsewhere);
      expect(free.status).toBe(201);
      expect(free.body).not.toHaveProperty('rate_limit');
    }
  });

  test('under a flood of mints: none that begins after the answer escapes it', async () => {
    const owner = await governed();
    let isSet = false;
    let isOver = false;
    const escaped: unknown[] = [];
    const counts = { before: 0, refused: 0 };
    const flood = async (at: TestBroker) => {
      while (!isOver) {
        const beganAfter = isSet;
        const answer = await tryMint({ ...owner, user_id: `usr_${randomUUID()}` }, {}, at);
        if (answer.status === 422) counts.refused++;
        else if (beganAfter) escaped.push(answer.body);
        else counts.before++;
      }
    };
    const floods = [broker, replica].flatMap((at) => Array.from({ length: 8 }, () => flood(at)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await set(owner, { expiry_required: true });
    isSet = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
    isOver = true;
    await Promise.all(floods);
    expect(escaped).toEqual([]);
    expect(counts.before).toBeGreaterThan(0);
    expect(counts.refused).toBeGreaterThan(0);
  });
});

describe('a refresh', () => {
  test('is refused when the new key would break the policy, and the old key goes on', async () => {
    const owner = await governed();
    const old = await mint(broker, { ...owner, scopes: ['orders:write'] });
    await set(owner, { allowed_scopes: ['orders:read'] });
    expect(await verify(broker, old.key)).toMatchObject({ valid: true });
    expectRules(await refresh(broker, owner), 'allowed_scopes');
    expect(await verify(broker, old.key)).toMatchObject({ valid: true });
    expect((await patch(old.key_id, { scopes: ['orders:read'] })).status).toBe(200);
    const next = await refreshed(broker, owner);
    expect(await verify(broker, next.key)).toMatchObject({ valid: true, scopes: ['orders:read'] });
  });

  test('counts the lifetime of the new secret from now', async () => {
    const owner = await governed({ ttl_seconds_max: 3_600 });
    await mint(broker, { ...owner, ttl_seconds: 3_600 });
    expectRules(await refresh(broker, owner, { ttl_seconds: 3_601 }), 'ttl_seconds_max');
    expect((await refresh(broker, owner, { ttl_seconds: 3_600 })).status).toBe(200);
  });

  test('gives the defaults to an old key that lacks them, and the audit event has the end', async () => {
    const owner = await governed();
    await mint(broker, owner);
    await set(owner, { ttl_seconds_default: 3_600, rate_limit_default: { limit: 1, window_seconds: 60 } });
    const next = await refreshed(broker, owner);
    expect(Date.parse(next.expires_at ?? '') - Date.parse(next.created_at)).toBe(3_600_000);
    const [event] = await auditEventsOf(broker, { targetId: next.key_id });
    expect(event).toMatchObject({ event_type: 'key.refreshed', details: { expires_at: next.expires_at } });
    const { body } = await broker.call(`GET ${keysPath}/${next.key_id}`);
    expect(body.rate_limit).toEqual({ limit: 1, window_seconds: 60 });
  });
});

describe('a patch', () => {
  test('is refused when the key would break the policy, also by what it leaves alone', async () => {
    const owner = await governed();
    const { key_id } = await mint(broker, owner);
    await set(owner, { rate_limit_max: { limit: 10, window_seconds: 1 } });
    expectRules(await patch(key_id, { name: 'renamed' }), 'rate_limit_max');
    expectRules(await patch(key_id, { rate_limit: { limit: 11, window_seconds: 1 } }), 'rate_limit_max');
    const rate_limit = { limit: 10, window_seconds: 1 };
    expect((await patch(key_id, { name: 'renamed', rate_limit })).body).toMatchObject({ rate_limit });
    expectRules(await patch(key_id, { rate_limit: null }), 'rate_limit_max');
  });

  test('by merge patch is judged by its result', async () => {
    const owner = await governed({ rate_limit_max: { limit: 10, window_seconds: 1 } });
    const { key_id } = await mint(broker, { ...owner, rate_limit: { limit: 10, window_seconds: 1 } });
    const answer = await broker.call(`PATCH ${keysPath}/${key_id}`, {
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { rate_limit: { limit: 11 } },
    });
    expectRules(answer, 'rate_limit_max');
  });

  test('that only disables works whatever the policy says', async () => {
    const owner = await governed();
    const { key_id, key } = await mint(broker, owner);
    await set(owner, { expiry_required: true });
    expect((await patch(key_id, { enabled: false })).status).toBe(200);
    expect(await verify(broker, key)).toMatchObject({ valid: false, code: 'DISABLED' });
    expectRules(await patch(key_id, { enabled: true }), 'expiry_required');
  });

  test('does not lengthen a secret beyond the longest lifetime', async () => {
    const owner = await governed({ ttl_seconds_max: 3_600 });
    const { key_id, created_at } = await mint(broker, { ...owner, ttl_seconds: 60 });
    const endOf = (seconds: number) => new Date(Date.parse(created_at) + seconds * 1_000).toISOString();
    expectRules(await patch(key_id, { expires_at: endOf(3_601) }), 'ttl_seconds_max');
    expect((await patch(key_id, { expires_at: endOf(3_600) })).status).toBe(200);
  });
});

test('a revoke of a key that breaks the policy needs no leave', async () => {
  const owner = await governed();
  const { key_id } = await mint(broker, owner);
  await set(owner, { expiry_required: true });
  expect((await broker.call(`DELETE ${keysPath}/${key_id}`)).body.revoked_count).toBe(1);
});

test('each change is audited once with the documents before and after, by its operator', async () => {
  const owner = await governed();
  const [first, second] = [{ expiry_required: true }, { ttl_seconds_max: 60 }];
  await set(owner, first);
  await set(owner, first);
  await set(owner, second);
  await call(`DELETE ${pathOf(owner.organization_id)}`);
  await call(`DELETE ${pathOf(owner.organization_id)}`);
  const events = await auditEventsOf(broker, { organizationId: owner.organization_id });
  expect(events.filter(({ event_type }) => event_type === 'organization.policy_changed')).toMatchObject([
    { details: { before: null, after: first } },
    { details: { before: first, after: second } },
    { details: { before: second, after: null } },
  ]);
});

describe('the report', () => {
  const report = (owner: Owner, body: object = {}) =>
    call(`POST ${pathOf(owner.organization_id)}/report`, body);

  test('names the active keys that an edit would make non-compliant, and changes nothing', async () => {
    const owner = await governed();
    const mintOther = (body: object = {}) =>
      mint(broker, { ...owner, user_id: `usr_${randomUUID()}`, ...body });
    const unlimited = await mintOther();
    const scoped = await mintOther({ scopes: ['x'], rate_limit: { limit: 1, window_seconds: 1 } });
    await mintOther({ rate_limit: { limit: 1, window_seconds: 1 } });
    const ended = await mintOther();
    await broker.call(`DELETE ${keysPath}/${ended.key_id}`);
    const policy = { rate_limit_max: { limit: 5, window_seconds: 1 }, allowed_scopes: ['y'] };
    const { status, body } = await report(owner, { policy });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      examined: 3,
      non_compliant: 2,
      by_rule: { rate_limit_max: 1, allowed_scopes: 1 },
      data: [
        { key_id: scoped.key_id, rules: ['allowed_scopes'] },
        { key_id: unlimited.key_id, user_id: unlimited.user_id, rules: ['rate_limit_max'] },
      ],
      next_cursor: null,
    });
    expect((await call(`GET ${pathOf(owner.organization_id)}`)).body.policy).toBeNull();
    expect((await report(owner)).body).toMatchObject({ examined: 0, non_compliant: 0, data: [] });
    await set(owner, policy);
    expect((await report(owner)).body).toEqual(body);
  });

  test('is whole when its pages are added up', async () => {
    const owner = await governed();
    const keys = await Promise.all(
      Array.from({ length: 7 }, (_, n) => mint(broker, { ...owner, user_id: `usr_page_${n}` })),
    );
    const found: string[] = [];
    let examined = 0;
    let cursor: string | undefined;
    do {
      const { body } = await report(owner, { policy: { expiry_required: true }, limit: 3, cursor });
      examined += body.examined;
      found.push(...body.data.map(({ key_id }: { key_id: string }) => key_id));
      cursor = body.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(examined).toBe(7);
    expect(found.toSorted()).toEqual(keys.map(({ key_id }) => key_id).toSorted());
  });

  test('refuses what is no policy, too long a page and a foreign cursor', async () => {
    const owner = await governed();
    expectViolations(await report(owner, { policy: {} }), 'policy');
    expectViolations(await report(owner, { limit: 1_001 }), 'limit');
    expectViolations(await report(owner, { cursor: 'x' }), 'cursor');
  });
});
