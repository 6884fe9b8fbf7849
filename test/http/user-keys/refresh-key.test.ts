import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import {
  codesOf,
  getKey,
  keysPath,
  mint,
  newOwner,
  refresh,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, `POST ${keysPath}/usr_x/org_x/refresh`, 'keys:refresh');

describe('403', () => {
  test('a suspended organization gets no new key', async () => {
    const owner = await mint(broker);
    await setStatus(broker, owner.organization_id, 'suspended');
    expectError(await refresh(broker, owner), 403, 'ORGANIZATION_SUSPENDED');
    await setStatus(broker, owner.organization_id, 'active');
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });
});

describe('404', () => {
  test('there is nothing to refresh where no key ever was, nor in another environment', async () => {
    const owner = await mint(broker);
    expectError(await refresh(broker, newOwner()), 404, 'KEY_NOT_FOUND');
    expectError(await refresh(broker, owner, { environment: 'prod' }), 404, 'KEY_NOT_FOUND');
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });

  test('a revoked key is not brought back, nor one that has expired without anybody noticing', async () => {
    const revoked = await mint(broker);
    await revoke(broker, revoked.key_id);
    expectError(await refresh(broker, revoked), 404, 'KEY_NOT_FOUND');
    const expired = await mint(broker, { ttl_seconds: 60 });
    walkClock(broker, 60 * secondMs);
    expectError(await refresh(broker, expired), 404, 'KEY_NOT_FOUND');
  });

  test('a key outside the allow-lists looks exactly like none, and goes on living', async () => {
    const [owner, other] = [await mint(broker), newOwner()];
    for (const request of [{ organizationIds: [other.organization_id] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await refresh(broker, newOwner(), {}, { as });
      expectError(missing, 404, 'KEY_NOT_FOUND');
      expect(bytesOf(await refresh(broker, owner, {}, { as }))).toBe(bytesOf(missing));
    }
    expect(await codesOf(broker, [owner])).toEqual(['VALID']);
  });
});

describe('422', () => {
  test.each<[object, string]>([
    [{ grace_period_seconds: -1 }, 'grace_period_seconds'],
    [{ grace_period_seconds: 86_401 }, 'grace_period_seconds'],
    [{ grace_period_seconds: 0.5 }, 'grace_period_seconds'],
    [{ grace_period_seconds: '60' }, 'grace_period_seconds'],
    [{ grace_period_seconds: null }, 'grace_period_seconds'],
    [{ environment: 'PROD' }, 'environment'],
    [{ grace_seconds: 60 }, ''],
    [{ name: 'settings are for PATCH' }, ''],
  ])('the body %j is refused', async (body, path) => {
    expectViolations(await refresh(broker, newOwner(), body), path);
  });

  test.each<[string, string, string]>([
    ['-usr', 'org_1', 'user_id'],
    ['usr_1', 'o'.repeat(129), 'org_id'],
  ])('the path of user %j in organization %j is refused', async (user_id, organization_id, path) => {
    expectViolations(await refresh(broker, { user_id, organization_id }), path);
  });
});

describe('success', () => {
  test('the answer is what the contract shows, and no body means no grace', async () => {
    const old = await mint(broker);
    const { user_id, organization_id } = old;
    const path = `${keysPath}/${user_id}/${organization_id}/refresh`;
    const answer = await broker.call(`POST ${path}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toStrictEqual({
      success: true,
      message: expect.any(String),
      new_key: {
        key: expect.stringMatching(/^fl_user_test_[0-9A-Za-z]{46}$/),
        key_id: expect.stringMatching(/^flk_/),
        key_prefix: answer.body.new_key.key.slice(0, 'fl_user_test_'.length + 8),
        user_id,
        organization_id,
        created_at: expect.any(String),
      },
      propagation: 'complete',
      propagation_detail: {
        acknowledged: 1,
        total: 1,
        waited_ms: expect.any(Number),
        effective_by: expect.any(String),
      },
    });
    expect(answer.body.new_key.key_id).not.toBe(old.key_id);
    expect(await codesOf(broker, [old, answer.body.new_key])).toEqual(['REVOKED', 'VALID']);
  });

  test('a grace keeps the old key acceptable until it ends, to the second', async () => {
    const old = await mint(broker);
    const successor = await refreshed(broker, old, { grace_period_seconds: 86_400 });
    expect(await codesOf(broker, [old, successor])).toEqual(['SUPERSEDED', 'VALID']);
    const { body } = await getKey(broker, old.key_id);
    const until = Date.parse(successor.created_at) + 86_400 * secondMs;
    expect(body).toMatchObject({ status: 'superseded', superseded_until: new Date(until).toISOString() });
    expect((await verify(broker, old.key)).expires_at).toBe(body.superseded_until);
    walkClock(broker, 86_390 * secondMs);
    expect(await codesOf(broker, [old, successor])).toEqual(['SUPERSEDED', 'VALID']);
    walkClock(broker, 11 * secondMs);
    expect(await codesOf(broker, [old, successor])).toEqual(['REVOKED', 'VALID']);
    expect((await getKey(broker, old.key_id)).body.status).toBe('revoked');
  });

  test('a grace never reaches past the own expiry of the old key', async () => {
    const old = await mint(broker, { ttl_seconds: 60 });
    const successor = await refreshed(broker, old, { grace_period_seconds: 3_600 });
    expect((await verify(broker, old.key)).expires_at).toBe(old.expires_at);
    walkClock(broker, 61 * secondMs);
    expect(await codesOf(broker, [old, successor])).toEqual(['EXPIRED', 'EXPIRED']);
  });

  test('each refresh with grace leaves its predecessors theirs, one without ends them all', async () => {
    const first = await mint(broker);
    const second = await refreshed(broker, first, { grace_period_seconds: 600 });
    const third = await refreshed(broker, first, { grace_period_seconds: 30 });
    expect(await codesOf(broker, [first, second, third])).toEqual(['SUPERSEDED', 'SUPERSEDED', 'VALID']);
    const fourth = await refreshed(broker, first);
    expect(await codesOf(broker, [first, second, third, fourth])).toEqual([
      'REVOKED',
      'REVOKED',
      'REVOKED',
      'VALID',
    ]);
  });

  test('settings, usage and quota carry over', async () => {
    const settings = {
      name: 'carried',
      metadata: { a: 1 },
      scopes: ['read'],
      expires_at: '2099-01-01T00:00:00.000Z',
      rate_limit: { limit: 10, window_seconds: 3_600 },
      quota: { limit: 5, period: 'month' },
      ip_allowlist: ['10.0.0.0/8'],
    };
    const old = await mint(broker, settings);
    await verify(broker, old.key, { ip: '10.0.0.1', cost: 3 });
    await broker.settleUsage();
    const successor = await refreshed(broker, old, { grace_period_seconds: 60 });
    const found = await getKey(broker, successor.key_id);
    expect(found.body).toMatchObject({ ...settings, usage: { total_requests: 1 } });
    const last = await verify(broker, old.key, { ip: '10.0.0.1', cost: 2 });
    expect(last).toMatchObject({ rate_limit: { remaining: 5 }, quota: { remaining: 0 } });
    expect((await verify(broker, successor.key, { ip: '10.0.0.1' })).code).toBe('QUOTA_EXCEEDED');
  });

  test('a disabled key stays disabled in its successor', async () => {
    const old = await mint(broker);
    await update(broker, old.key_id, { enabled: false });
    expect(await codesOf(broker, [await refreshed(broker, old)])).toEqual(['DISABLED']);
  });

  test('only the named environment is refreshed, and the change is written down with both ids', async () => {
    const owner = newOwner();
    const here = await mint(broker, owner);
    const prod = await mint(broker, { ...owner, environment: 'prod' });
    const successor = await refreshed(broker, owner, { environment: 'prod', grace_period_seconds: 5 });
    expect(successor.key).toMatch(/^fl_user_prod_/);
    expect(await codesOf(broker, [here, prod, successor])).toEqual(['VALID', 'SUPERSEDED', 'VALID']);
    const details = { previous_key_id: prod.key_id, grace_period_seconds: 5 };
    expect(await auditEventsOf(broker, { targetId: successor.key_id })).toMatchObject([
      { event_type: 'key.refreshed', details },
    ]);
  });
});

test('of many refreshes with a grace 30 predecessors stay good, so that a revoke by id can end them all', async () => {
  const owner = await mint(broker);
  const keys = [owner];
  for (let round = 0; round < 33; round++) {
    keys.push(await refreshed(broker, owner, { grace_period_seconds: 3_600 }));
  }
  const codes = await codesOf(broker, keys);
  expect(codes.slice(0, 3)).toEqual(['REVOKED', 'REVOKED', 'REVOKED']);
  expect(codes.slice(3)).toEqual([...Array.from({ length: 30 }, () => 'SUPERSEDED'), 'VALID']);
  const events = await auditEventsOf(broker, { targetId: owner.key_id });
  expect(events.map(({ event_type }) => event_type)).toEqual(['key.minted', 'key.revoked']);
  const answer = await revoke(broker, keys.at(-1)?.key_id ?? '');
  expect(answer.body.revoked_count).toBe(31);
});

test('the predecessor whose grace is over first makes room, and not the one that is oldest', async () => {
  const oldest = await mint(broker);
  const next = await refreshed(broker, oldest, { grace_period_seconds: 86_400 });
  await refreshed(broker, oldest, { grace_period_seconds: 60 });
  for (let round = 0; round < 29; round++) await refreshed(broker, oldest, { grace_period_seconds: 3_600 });
  expect(await codesOf(broker, [oldest, next])).toEqual(['SUPERSEDED', 'REVOKED']);
});
