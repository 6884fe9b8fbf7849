import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyFlushes } from '../../../src/stores/postgres/usage/flushes.ts';
import { callAs, type Headers, removeApiKey } from '../../support/api-keys.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { mint, newOwner, refreshed, verify } from '../../support/keys.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { usageFlush, usageMark } from '../../support/usage.ts';
import { dayMs, walkClock } from '../../support/walk-clock.ts';

const path = '/api/v1/platform/traffic';

let broker: TestBroker;
let headers: Headers;
beforeAll(async () => {
  broker = await startBroker();
  headers = (await platformKey(broker)).headers;
});
afterAll(() => broker.close());

const call = (address: string, as = headers) => callAs(broker, as, `GET ${address}`);

async function asked(address: string, as = headers) {
  const { status, body } = await call(address, as);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

/** Calls on a day that no other test uses. */
async function counted(lineageId: string, at: string, calls: number, code: 'VALID' | 'EXPIRED' = 'VALID') {
  await applyFlushes(broker.db, [usageFlush(usageMark(lineageId, at, { calls, code }))]);
}

/** A platform key with just these permissions. */
async function operatorWith(...permissions: string[]): Promise<Headers> {
  const body = { name: permissions.join(' '), permissions };
  const { body: role } = await callAs(broker, headers, 'POST /api/v1/platform/roles', body);
  return (await platformKey(broker, [role.id])).headers;
}

describe.each([path, `${path}/top`])('GET %s', (address) => {
  testOperatorAccess(() => broker, `GET ${address}`, { may: 'role_platform_viewer' });
});

describe('422', () => {
  test.each([
    ['granularity', '?granularity=minute'],
    ['from', '?from=yesterday'],
    ['from', '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z'],
    ['from', '?granularity=hour&from=2026-01-01T00:00:00Z&to=2026-02-02T00:00:00Z'],
    ['', '?code=VALID'],
    ['day', '/top?day=2026-02-30'],
    ['day', '/top?day=0000-01-01'],
    ['day', '/top?day=2026-01-01T00:00:00Z'],
    ['limit', '/top?limit=0'],
    ['limit', '/top?limit=21'],
  ])('%s is refused in %s', async (blamed, query) => {
    expectViolations(await call(path + query), blamed);
  });
});

describe('traffic', () => {
  test('is every accepted and refused call of every key, by hour and day, as the rows of the keys say', async () => {
    const hidden = await mint(broker, { scopes: ['read'] });
    const tenant = await tenantKey(broker, 'org_traffic');
    const late = await tenantKey(broker, 'org_traffic', { expiresAt: new Date(Date.now() - 1_000) });
    for (const key of [hidden.key, hidden.key, tenant.secret]) await verify(broker, key);
    await verify(broker, hidden.key, { scopes: ['write'] });
    for (let time = 0; time < 3; time++) await verify(broker, late.secret);
    await broker.settleUsage();
    const { rows } = await sql<{ code: string; calls: number }>`
      SELECT code, sum(calls)::bigint AS calls FROM usage_days GROUP BY code`.execute(broker.db);
    const byCode = Object.fromEntries(rows.map(({ code, calls }) => [code, Number(calls)]));
    expect(byCode).toMatchObject({ INSUFFICIENT_SCOPE: 1 });
    expect(byCode.EXPIRED).toBeGreaterThanOrEqual(3);
    const { VALID: requests = 0, ...refusals } = byCode;
    const refused = Object.values(refusals).reduce((sum, calls) => sum + calls, 0);
    for (const granularity of ['hour', 'day']) {
      const { totals, data } = await asked(`${path}?granularity=${granularity}`);
      expect(totals).toEqual({ requests, refused, refusals });
      expect(data.filter((step: { requests: number }) => step.requests > 0).length).toBeGreaterThan(0);
    }
    const stats = await asked('/api/v1/platform/stats');
    expect(stats.api_calls_today).toBe(requests);
  });

  test('has every step of the range, with zeros where no call was', async () => {
    await counted('flk_zeros', '2031-05-06T23:59:59Z', 4);
    await counted('flk_zeros', '2031-05-07T00:00:00Z', 5, 'EXPIRED');
    const hours = await asked(`${path}?from=2031-05-06T22:30:00Z&to=2031-05-07T01:30:00Z`);
    const none = { requests: 0, refused: 0, refusals: {} };
    expect(hours).toEqual({
      granularity: 'hour',
      from: '2031-05-06T22:00:00.000Z',
      to: '2031-05-07T02:00:00.000Z',
      data: [
        { start: '2031-05-06T22:00:00.000Z', ...none },
        { start: '2031-05-06T23:00:00.000Z', ...none, requests: 4 },
        { start: '2031-05-07T00:00:00.000Z', refused: 5, requests: 0, refusals: { EXPIRED: 5 } },
        { start: '2031-05-07T01:00:00.000Z', ...none },
      ],
      totals: { requests: 4, refused: 5, refusals: { EXPIRED: 5 } },
    });
    const days = await asked(`${path}?granularity=day&from=2031-05-05T00:00:00Z&to=2031-05-08T00:00:00Z`);
    expect(days.data.map(({ requests, refused }: Record<string, number>) => [requests, refused])).toEqual([
      [0, 0],
      [4, 0],
      [0, 5],
    ]);
    expect((await asked(path)).data).toHaveLength(24);
    expect((await asked(`${path}?granularity=day`)).data).toHaveLength(30);
  });
});

describe('the top of a day', () => {
  test('tenants count for all of their keys, and the most used come first', async () => {
    const at = '2031-06-01T10:00:00Z';
    const tenant = await tenantKey(broker, 'org_busy');
    const hidden = await mint(broker, { user_id: 'usr_busy', organization_id: 'org_busy' });
    const other = await tenantKey(broker, 'org_calm');
    const refusedOnly = await tenantKey(broker, 'org_refused');
    await counted(tenant.id, at, 10);
    await counted(hidden.key_id, at, 5);
    await counted(tenant.id, at, 2, 'EXPIRED');
    await counted(other.id, at, 11);
    await counted(refusedOnly.id, at, 99, 'EXPIRED');
    await counted((await platformKey(broker)).id, at, 50);
    const { day, tenants } = await asked(`${path}/top?day=2031-06-01`);
    expect(day).toBe('2031-06-01');
    expect(tenants).toEqual([
      { id: 'org_busy', name: 'org_busy', requests: 15, refused: 2 },
      { id: 'org_calm', name: 'org_calm', requests: 11, refused: 0 },
    ]);
    expect((await asked(`${path}/top?day=2031-06-01&limit=1`)).tenants).toHaveLength(1);
    expect((await asked(`${path}/top?day=2031-06-02`)).tenants).toEqual([]);
    await callAs(broker, headers, 'DELETE /api/v1/platform/tenants/org_calm');
    const left = (await asked(`${path}/top?day=2031-06-01`)).tenants;
    expect(left.map(({ id }: { id: string }) => id)).toEqual(['org_busy']);
  });

  test('keys of every kind, masked, with their organization', async () => {
    const at = '2031-06-03T10:00:00Z';
    const tenant = await tenantKey(broker, 'org_keys', { name: 'Busy one' });
    const platform = await platformKey(broker, undefined, { name: 'Nightly' });
    const hidden = await mint(broker, { user_id: 'usr_keys', organization_id: 'org_keys', name: 'Phone' });
    await counted(tenant.id, at, 10);
    await counted(tenant.id, at, 3, 'EXPIRED');
    await counted(platform.id, at, 5);
    await counted(hidden.key_id, at, 7);
    const { keys } = await asked(`${path}/top?day=2031-06-03`);
    expect(keys).toMatchObject([
      {
        id: tenant.id,
        name: 'Busy one',
        kind: 'tenant',
        organization_id: 'org_keys',
        requests: 10,
        refused: 3,
      },
      { id: hidden.key_id, kind: 'user', organization_id: 'org_keys', requests: 7, refused: 0 },
      { id: platform.id, name: 'Nightly', kind: 'platform', organization_id: null, requests: 5 },
    ]);
    expect(keys[1].prefix).toBe(hidden.key_prefix);
    for (const { secret } of [tenant, platform]) {
      const { prefix, key_masked } = keys.find(({ prefix }: { prefix: string }) => secret.startsWith(prefix));
      expect(key_masked).toMatch(/…\w+$/);
      expect(secret.endsWith(key_masked.replace(`${prefix}…`, ''))).toBe(true);
    }
    expect((await asked(`${path}/top?day=2031-06-03&limit=2`)).keys).toHaveLength(2);
  });

  test('hidden keys and tenants are there for operators who may read them, and for no others', async () => {
    const at = '2031-06-04T10:00:00Z';
    const owner = newOwner();
    const hidden = await mint(broker, owner);
    const tenant = await tenantKey(broker, owner.organization_id);
    await counted(hidden.key_id, at, 7);
    await counted(tenant.id, at, 1);
    const address = `${path}/top?day=2031-06-04`;
    const ids = async (as: Headers) => (await asked(address, as)).keys.map(({ id }: { id: string }) => id);
    const keysAlone = await operatorWith('platform:keys:read');
    const withHidden = await operatorWith('platform:keys:read', 'platform:hidden_keys:read');
    const withTenants = await operatorWith('platform:keys:read', 'platform:tenants:read');
    expect(await ids(keysAlone)).toEqual([tenant.id]);
    expect(await ids(withHidden)).toEqual([hidden.key_id, tenant.id]);
    expect(await ids(withTenants)).toEqual([tenant.id]);
    expect((await asked(address, keysAlone)).tenants).toBeNull();
    expect((await asked(address, withTenants)).tenants).toHaveLength(1);
  });

  test('a refreshed key counts under its newest id, and a deleted one is left out', async () => {
    const at = '2031-06-05T10:00:00Z';
    const owner = newOwner();
    const first = await mint(broker, owner);
    const second = await refreshed(broker, owner);
    const gone = await tenantKey(broker, 'org_gone');
    await counted(first.key_id, at, 3);
    await counted(gone.id, at, 9);
    await removeApiKey(broker, headers, gone.id);
    const { keys, tenants } = await asked(`${path}/top?day=2031-06-05`);
    expect(keys.map(({ id }: { id: string }) => id)).toEqual([second.key_id]);
    // Its calls were its tenant's, and stay so.
    expect(tenants[0]).toMatchObject({ id: 'org_gone', requests: 9 });
  });

  test('is that of today unless a day is named', async () => {
    const tenant = await tenantKey(broker, 'org_today');
    await verify(broker, tenant.secret);
    await broker.settleUsage();
    const ids = async () => (await asked(`${path}/top`)).tenants.map(({ id }: { id: string }) => id);
    expect(await ids()).toContain('org_today');
    walkClock(broker, dayMs);
    expect(await ids()).toEqual([]);
  });
});
