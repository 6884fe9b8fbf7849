import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { newIdempotencyKey, refreshUnder } from '../../support/idempotency.ts';
import {
  codesOf,
  getKey,
  keysPath,
  type Minted,
  mint,
  newOwner,
  refresh,
  refreshed,
  revoke,
  update,
  verify,
} from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { sweep } from '../../support/sweep.ts';
import { dayMs, hourMs, secondMs, walkClock } from '../../support/walk-clock.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const farEnd = '2999-01-01T00:00:00.000Z';

/** Keys past their expiry, minted together to wait for it once. */
let expiredKeys: Minted[] = [];
let expiredKeysMs = 0;
/** The sweep leaves a key alone for a minute after its expiry. */
const youngMsMax = 20_000;

/** A key past its expiry, in the row as well when it was swept. */
async function expired(isSwept: boolean, settings?: object): Promise<Minted> {
  const minted = await (settings === undefined ? takeExpired() : mintExpired(settings));
  if (isSwept) await sweep(broker, [minted.key_id]);
  return minted;
}

async function takeExpired(): Promise<Minted> {
  if (performance.now() - expiredKeysMs > youngMsMax) expiredKeys = [];
  if (expiredKeys.length === 0) {
    expiredKeys = await Promise.all(Array.from({ length: 20 }, () => mintExpired()));
    expiredKeysMs = performance.now();
  }
  return expiredKeys.pop() as Minted;
}

async function mintExpired(settings: object = {}): Promise<Minted> {
  const minted = await mint(broker, { ...settings, ttl_seconds: 1 });
  await sleep(1_100);
  return minted;
}

/** A replay says how far the change has spread by now; the rest is the first answer. */
function expectSameKey(answer: Answer, original: Answer): void {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(answer.headers.get('idempotency-replayed')).toBe('true');
  expect(answer.body.new_key).toEqual(original.body.new_key);
}

const sweeps: Array<[string, boolean]> = [
  ['that the sweep has written down', true],
  ['that the sweep has not seen', false],
];

describe('422', () => {
  test.each<[object, string]>([
    [{ expires_at: farEnd, ttl_seconds: 60 }, 'ttl_seconds'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ expires_at: null }, 'expires_at'],
    [{ expires_at: 'soon' }, 'expires_at'],
    [{ ttl_seconds: 0 }, 'ttl_seconds'],
    [{ ttl_seconds: '60' }, 'ttl_seconds'],
    [{ ttl_seconds: null }, 'ttl_seconds'],
  ])('the body %j is refused, and nothing is refreshed', async (body, path) => {
    const old = await mint(broker);
    expectViolations(await refresh(broker, old, body), path);
    expect(await codesOf(broker, [old])).toEqual(['VALID']);
  });
});

describe('an active key', () => {
  test('gets the end that is named, in every way of naming it', async () => {
    const old = await mint(broker, { ttl_seconds: 60 });
    const second = await refreshed(broker, old, { expires_at: '2999-01-01T01:00:00+01:00' });
    expect(second.expires_at).toBe(farEnd);
    expect((await verify(broker, second.key)).expires_at).toBe(farEnd);
    const sentAtMs = Date.now();
    const third = await refreshed(broker, old, { ttl_seconds: 3_600 });
    // From when the request came, by the clock of Postgres, which is before the key is made.
    expect(Date.parse(third.expires_at ?? '')).toBeGreaterThan(sentAtMs + hourMs - 1_000);
    expect(Date.parse(third.expires_at ?? '')).toBeLessThanOrEqual(Date.parse(third.created_at) + hourMs);
    expect((await getKey(broker, third.key_id)).body.expires_at).toBe(third.expires_at);
    walkClock(broker, hourMs);
    expect(await codesOf(broker, [old, second, third])).toEqual(['REVOKED', 'REVOKED', 'EXPIRED']);
  });

  test('keeps its end when none is named, and the answer says so', async () => {
    const old = await mint(broker, { expires_at: farEnd });
    expect((await refreshed(broker, old)).expires_at).toBe(farEnd);
    expect(await refreshed(broker, await mint(broker))).not.toHaveProperty('expires_at');
  });

  test('goes on in its grace until its own expiry, not until that of its successor', async () => {
    const old = await mint(broker, { ttl_seconds: 60 });
    const successor = await refreshed(broker, old, { grace_period_seconds: 3_600, expires_at: farEnd });
    expect(await codesOf(broker, [old, successor])).toEqual(['SUPERSEDED', 'VALID']);
    expect((await verify(broker, old.key)).expires_at).toBe(old.expires_at);
    walkClock(broker, 61 * secondMs);
    expect(await codesOf(broker, [old, successor])).toEqual(['EXPIRED', 'VALID']);
  });

  test('the new end is written down', async () => {
    const old = await mint(broker);
    const { key_id } = await refreshed(broker, old, { expires_at: farEnd });
    const details = { previous_key_id: old.key_id, expires_at: farEnd };
    expect(await auditEventsOf(broker, { targetId: key_id })).toMatchObject([
      { event_type: 'key.refreshed', details },
    ]);
  });
});

describe.each(sweeps)('an expired key %s', (_when, isSwept) => {
  test('is renewed with its settings, its usage and its quota, under a new secret', async () => {
    const settings = {
      name: 'carried',
      metadata: { a: 1 },
      scopes: ['read'],
      rate_limit: { limit: 10, window_seconds: 3_600 },
      quota: { limit: 5, period: 'month' },
      ip_allowlist: ['10.0.0.0/8'],
    };
    const old = await mint(broker, { ...settings, ttl_seconds: 1 });
    expect((await verify(broker, old.key, { ip: '10.0.0.1', cost: 3 })).code).toBe('VALID');
    await broker.settleUsage();
    await sleep(1_100);
    if (isSwept) await sweep(broker, [old.key_id]);
    const renewed = await refreshed(broker, old, { expires_at: farEnd });
    expect(renewed).toMatchObject({ user_id: old.user_id, expires_at: farEnd });
    expect(renewed.key).not.toBe(old.key);
    expect((await getKey(broker, renewed.key_id)).body).toMatchObject({
      ...settings,
      expires_at: farEnd,
      status: 'active',
      usage: { total_requests: 1 },
    });
    const asked = { ip: '10.0.0.1', cost: 2 };
    expect(await verify(broker, renewed.key, asked)).toMatchObject({
      code: 'VALID',
      rate_limit: { remaining: 5 },
      quota: { remaining: 0 },
    });
    expect((await verify(broker, old.key, asked)).code).toBe('REVOKED');
  });

  test('gets no grace, whatever is asked, and both ends are written down once', async () => {
    const old = await expired(isSwept);
    const renewed = await refreshed(broker, old, { ttl_seconds: 60, grace_period_seconds: 3_600 });
    expect(await codesOf(broker, [old, renewed])).toEqual(['REVOKED', 'VALID']);
    expect((await getKey(broker, old.key_id)).body).toMatchObject({
      status: 'revoked',
      superseded_until: null,
    });
    const details = {
      previous_key_id: old.key_id,
      grace_period_seconds: 0,
      expires_at: renewed.expires_at,
    };
    const eventsOf = async ({ key_id }: Minted) =>
      (await auditEventsOf(broker, { targetId: key_id })).map(({ event_type, details: said }) => [
        event_type,
        said,
      ]);
    expect(await eventsOf(renewed)).toEqual([['key.refreshed', expect.objectContaining(details)]]);
    const ofOld = (await eventsOf(old)).map(([type]) => type);
    expect(ofOld.sort()).toEqual(['key.expired', 'key.minted']);
  });

  test('is not found without a new end, nor by who may not see it', async () => {
    const old = await expired(isSwept);
    expectError(await refresh(broker, old), 404, 'KEY_NOT_FOUND');
    const { secret: as } = await broker.createMasterKey({ organizationIds: ['org_elsewhere'] });
    const body = { ttl_seconds: 60 };
    const missing = await refresh(broker, newOwner(), body, { as });
    expect(bytesOf(await refresh(broker, old, body, { as }))).toBe(bytesOf(missing));
    const { secret: noRefresh } = await broker.createMasterKey({ permissions: ['keys:mint'] });
    expectError(await refresh(broker, old, body, { as: noRefresh }), 403, 'INSUFFICIENT_PERMISSIONS');
    expect(await codesOf(broker, [old])).toEqual(['EXPIRED']);
  });

  test('is renewed for 30 days, and not found afterwards', async () => {
    const [in30Days, later] = [await expired(isSwept), await expired(isSwept)];
    walkClock(broker, 30 * dayMs - 150 * secondMs);
    expect(await codesOf(broker, [await refreshed(broker, in30Days, { ttl_seconds: 60 })])).toEqual([
      'VALID',
    ]);
    walkClock(broker, 160 * secondMs);
    expectError(await refresh(broker, later, { ttl_seconds: 60 }), 404, 'KEY_NOT_FOUND');
  });

  test('stays disabled, and waits for a suspended organization', async () => {
    const disabled = await mint(broker, { ttl_seconds: 1 });
    await update(broker, disabled.key_id, { enabled: false });
    const suspended = await expired(isSwept);
    expect(await codesOf(broker, [await refreshed(broker, disabled, { ttl_seconds: 60 })])).toEqual([
      'DISABLED',
    ]);
    await setStatus(broker, suspended.organization_id, 'suspended');
    expectError(await refresh(broker, suspended, { ttl_seconds: 60 }), 403, 'ORGANIZATION_SUSPENDED');
  });

  test('can be renewed again and again, and its secrets stay dead', async () => {
    const keys = [await expired(isSwept)];
    for (let round = 0; round < 2; round += 1) {
      const renewed = await refreshed(broker, keys[0] as Minted, { ttl_seconds: 1 });
      keys.push(renewed);
      await sleep(1_100);
      if (isSwept) await sweep(broker, [renewed.key_id]);
    }
    keys.push(await refreshed(broker, keys[0] as Minted, { ttl_seconds: 60 }));
    expect(await codesOf(broker, keys)).toEqual(['REVOKED', 'REVOKED', 'REVOKED', 'VALID']);
  });

  test.each<[string, (old: Minted) => string]>([
    ['its id', ({ key_id }) => `DELETE ${keysPath}/${key_id}`],
    ['its owner', ({ user_id, organization_id }) => `DELETE ${keysPath}/${user_id}/${organization_id}`],
    ['its user', ({ user_id }) => `DELETE ${keysPath}/user/${user_id}`],
  ])('a revoke by %s is the last word: it is not renewed after it', async (_by, operation) => {
    const old = await expired(isSwept);
    const answer = await broker.call(operation(old));
    expect(answer).toMatchObject({ status: 200, body: { revoked_count: 0, propagation: 'complete' } });
    expect((await getKey(broker, old.key_id)).body.status).toBe('revoked');
    expectError(await refresh(broker, old, { ttl_seconds: 60 }), 404, 'KEY_NOT_FOUND');
    expect(await codesOf(broker, [old])).toEqual(['REVOKED']);
  });

  test('does not come back over a later key: an active one is refreshed, a revoked one stays revoked', async () => {
    const old = await expired(isSwept, { scopes: ['old'] });
    const { user_id, organization_id } = old;
    const later = await mint(broker, { user_id, organization_id, scopes: ['later'] });
    const successor = await refreshed(broker, old, { ttl_seconds: 60 });
    expect(await codesOf(broker, [old, later, successor])).toEqual(['EXPIRED', 'REVOKED', 'VALID']);
    expect((await getKey(broker, successor.key_id)).body.scopes).toEqual(['later']);
    await revoke(broker, successor.key_id);
    expectError(await refresh(broker, old, { ttl_seconds: 60 }), 404, 'KEY_NOT_FOUND');
    expect(await codesOf(broker, [old, later, successor])).toEqual(['EXPIRED', 'REVOKED', 'REVOKED']);
  });

  test('a renewed key that was revoked is not renewed from its predecessor', async () => {
    const old = await expired(isSwept);
    const renewed = await refreshed(broker, old, { ttl_seconds: 60 });
    await revoke(broker, renewed.key_id);
    expectError(await refresh(broker, old, { ttl_seconds: 60 }), 404, 'KEY_NOT_FOUND');
    expect(await codesOf(broker, [old, renewed])).toEqual(['REVOKED', 'REVOKED']);
  });
});

describe('a repeated request', () => {
  test('gets the same end again, also after that end', async () => {
    const [old, key] = [await expired(true), newIdempotencyKey()];
    const body = { ttl_seconds: 60 };
    const first = await refreshUnder(broker, key, old, body);
    expect(first.status).toBe(200);
    walkClock(broker, 160 * secondMs);
    expectSameKey(await refreshUnder(broker, key, old, body), first);
    const [other, otherKey] = [await mint(broker), newIdempotencyKey()];
    const end = { expires_at: new Date(Date.now() + hourMs).toISOString() };
    const original = await refreshUnder(broker, otherKey, other, end);
    walkClock(broker, 2 * hourMs);
    expectSameKey(await refreshUnder(broker, otherKey, other, end), original);
  });

  test('with another end is another request', async () => {
    const [old, key] = [await mint(broker), newIdempotencyKey()];
    await refreshUnder(broker, key, old, { ttl_seconds: 60 });
    const other = await refreshUnder(broker, key, old, { ttl_seconds: 61 });
    expectError(other, 422, 'IDEMPOTENCY_KEY_REUSED');
  });
});
