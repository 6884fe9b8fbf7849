import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { insist } from '../../support/insist.ts';
import { getKey, keysPath, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const neverExisted = 'flk_0000000000000000000000';

let broker: TestBroker;
let replica: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  replica = await broker.replica();
});
afterAll(async () => {
  await replica.close();
  await broker.close();
});

testAccess(() => broker, `PATCH ${keysPath}/${neverExisted}`, 'keys:mint');

describe('404', () => {
  test('a key outside the allow-lists looks exactly like one that never existed, and stays as it is', async () => {
    const { key_id } = await mint(broker);
    const before = (await getKey(broker, key_id)).body;
    expectError(await update(broker, neverExisted, { name: 'x' }), 404, 'KEY_NOT_FOUND');
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await update(broker, neverExisted, { name: 'x' }, { as });
      expect(bytesOf(await update(broker, key_id, { name: 'x' }, { as }))).toBe(bytesOf(missing));
    }
    expect((await getKey(broker, key_id)).body).toEqual(before);
  });
});

describe('409', () => {
  test('a revoked, superseded or expired key cannot be changed: nothing revives a key', async () => {
    const revoked = await mint(broker);
    await revoke(broker, revoked.key_id);
    const superseded = await mint(broker);
    await refreshed(broker, superseded, { grace_period_seconds: 600 });
    const expired = await mint(broker, { ttl_seconds: 60 });
    walkClock(broker, 60 * secondMs);
    for (const [{ key_id }, status] of [
      [revoked, 'revoked'],
      [superseded, 'superseded'],
      [expired, 'expired'],
    ] as const) {
      for (const body of [{ expires_at: null }, { enabled: true }]) {
        const answer = await update(broker, key_id, body);
        expect(expectError(answer, 409, 'KEY_NOT_ACTIVE')).toEqual({ status });
      }
    }
    expect((await verify(broker, expired.key)).code).toBe('EXPIRED');
  });
});

describe('422', () => {
  test.each<[object, string]>([
    [{}, ''],
    [{ name: '' }, 'name'],
    [{ metadata: null }, 'metadata'],
    [{ scopes: null }, 'scopes'],
    [{ enabled: null }, 'enabled'],
    [{ enabled: 'false' }, 'enabled'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ ttl_seconds: 60 }, ''],
    [{ rate_limit: {} }, 'rate_limit.limit'],
    [{ quota: { limit: 1, period: 'year' } }, 'quota.period'],
    [{ ip_allowlist: [] }, 'ip_allowlist'],
    [{ ip_allowlist: ['fe80::1%eth0'] }, 'ip_allowlist.0'],
    [{ ip_allowlist: ['10.0.0.0/08'] }, 'ip_allowlist.0'],
    [{ user_id: 'usr_2' }, ''],
    [{ status: 'active' }, ''],
    [{ revision: 1 }, ''],
  ])('the body %j is refused', async (body, path) => {
    const answer = await update(broker, neverExisted, body);
    const details = expectError(answer, 422, 'VALIDATION_ERROR') as Array<{ path: string }>;
    expect(details[0]?.path).toBe(path);
  });

  test('an empty body, an id that is none and a query are refused', async () => {
    expectViolations(await broker.call(`PATCH ${keysPath}/${neverExisted}`), '');
    expectViolations(await update(broker, 'flk_x', { name: 'x' }), 'key_id');
    expectViolations(await update(broker, `${neverExisted}?dry_run=1`, { name: 'x' }), '');
  });
});

describe('as a JSON merge patch (RFC 7396)', () => {
  const headers = { 'content-type': 'application/merge-patch+json' };
  const merge = (keyId: string, body: object) => update(broker, keyId, body, { headers });
  const options = {
    metadata: { plan: 'free', tags: { a: 1, b: 2 } },
    scopes: ['read'],
    rate_limit: { limit: 5, window_seconds: 60, on_unavailable: 'deny' },
    quota: { limit: 100, period: 'month' },
  };

  test.each<[object, object]>([
    [
      { name: 'renamed', scopes: [] },
      { name: 'renamed', scopes: [] },
    ],
    [
      { metadata: { plan: 'pro', tags: { a: null, c: 3 } } },
      { metadata: { plan: 'pro', tags: { b: 2, c: 3 } } },
    ],
    [{ rate_limit: { limit: 9 } }, { rate_limit: { limit: 9, window_seconds: 60, on_unavailable: 'deny' } }],
    [{ rate_limit: { on_unavailable: null } }, { rate_limit: { limit: 5, window_seconds: 60 } }],
    [
      { quota: { period: 'day' }, rate_limit: null },
      { quota: { limit: 100, period: 'day' }, rate_limit: null },
    ],
  ])('%j is merged into what is there', async (body, changed) => {
    const { key_id } = await mint(broker, options);
    const before = (await getKey(broker, key_id)).body;
    const answer = await merge(key_id, body);
    expect([answer.status, answer.body.propagation]).toEqual([200, 'complete']);
    const after = (await getKey(broker, key_id)).body;
    expect(after).toEqual({ ...before, ...changed, updated_at: expect.any(String) });
    const [, event] = await auditEventsOf(broker, { targetId: key_id });
    expect(event?.event_type).toBe('key.updated');
  });

  test.each<[object, string]>([
    [{}, ''],
    [{ metadata: null }, 'metadata'],
    [{ rate_limit: { limit: null } }, 'rate_limit.limit'],
    [{ rate_limit: { limit: 0 } }, 'rate_limit.limit'],
    [{ quota: { more: 1 } }, 'quota'],
    [{ metadata: { big: 'x'.repeat(16_000), bigger: 'x'.repeat(400) } }, 'metadata'],
    [{ status: 'active' }, ''],
  ])('422: %j cannot be merged, and nothing changes', async (body, path) => {
    const { key_id } = await mint(broker, options);
    const before = (await getKey(broker, key_id)).body;
    expectViolations(await merge(key_id, body), path);
    expect((await getKey(broker, key_id)).body).toEqual(before);
  });

  test('422: what fits alone may be too much for what is there', async () => {
    const { key_id } = await mint(broker, { metadata: { a: 'x'.repeat(9_000) } });
    expectViolations(await merge(key_id, { metadata: { b: 'x'.repeat(9_000) } }), 'metadata');
  });

  test('of twenty at once none is lost', async () => {
    const { key_id } = await mint(broker, options);
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const answers = await Promise.all(
      names.map((name) => insist(() => merge(key_id, { metadata: { [name]: 1 } }))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { metadata } = (await getKey(broker, key_id)).body;
    expect(Object.keys(metadata)).toEqual(expect.arrayContaining(['plan', 'tags', ...names]));
  });
});

test('415: a PATCH of another type is told which it may have (RFC 5789 §2.2)', async () => {
  const { key_id } = await mint(broker);
  for (const type of ['text/plain', 'application/json-patch+json']) {
    const answer = await update(broker, key_id, { name: 'x' }, { headers: { 'content-type': type } });
    expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    expect(answer.headers.get('accept-patch')).toBe('application/json, application/merge-patch+json');
  }
  const headers = { 'content-type': 'application/merge-patch+json' };
  const posted = await broker.call(`POST ${keysPath}`, { body: {}, headers });
  expectError(posted, 415, 'UNSUPPORTED_MEDIA_TYPE');
  expect(posted.headers.get('accept-patch')).toBeNull();
});

describe('success', () => {
  const settings = {
    name: 'renamed',
    metadata: { a: { b: [1] } },
    scopes: ['read'],
    expires_at: '2099-01-01T00:00:00.000Z',
    rate_limit: { limit: 3, window_seconds: 60 },
    quota: { limit: 3, period: 'day' },
    ip_allowlist: ['10.0.0.0/8'],
    enabled: false,
  };

  test.each(Object.entries(settings))('%s changes alone, to %j', async (field, value) => {
    const { key_id } = await mint(broker);
    const before = (await getKey(broker, key_id)).body;
    const { status, body } = await update(broker, key_id, { [field]: value });
    expect(status).toBe(200);
    const { propagation, propagation_detail, ...key } = body;
    expect([propagation, propagation_detail.acknowledged]).toEqual(['complete', 2]);
    expect(key).toEqual({
      ...before,
      [field]: value,
      status: field === 'enabled' ? 'disabled' : 'active',
      updated_at: expect.any(String),
    });
    expect((await getKey(broker, key_id)).body).toEqual(key);
    const events = await auditEventsOf(broker, { targetId: key_id });
    expect(events.map((event) => event.event_type)).toEqual(['key.minted', 'key.updated']);
  });

  test.each(['name', 'expires_at', 'rate_limit', 'quota', 'ip_allowlist'])(
    'null takes %s away and leaves the rest',
    async (field) => {
      const { enabled: _, ...options } = settings;
      const { key_id } = await mint(broker, options);
      const answer = await update(broker, key_id, { [field]: null });
      expect(answer.body).toMatchObject({ ...options, [field]: null });
    },
  );

  test.each<[object, object, string]>([
    [{ scopes: [] }, { scopes: ['read'] }, 'INSUFFICIENT_SCOPE'],
    [{ ip_allowlist: ['10.0.0.0/8'] }, { ip: '192.0.2.1' }, 'IP_NOT_ALLOWED'],
    [{ rate_limit: { limit: 1, window_seconds: 60 } }, { cost: 2 }, 'RATE_LIMITED'],
    [{ quota: { limit: 1, period: 'day' } }, { cost: 2 }, 'QUOTA_EXCEEDED'],
    [{ enabled: false }, {}, 'DISABLED'],
  ])('%j binds the very next verification, and undoing it does too', async (body, asked, code) => {
    const { key_id, key } = await mint(broker, { scopes: ['read'] });
    const codes = async () => [
      (await verify(broker, key, asked)).code,
      (await verify(replica, key, asked)).code,
    ];
    expect(await codes()).toEqual(['VALID', 'VALID']);
    expect((await update(broker, key_id, body)).body.propagation).toBe('complete');
    expect(await codes()).toEqual([code, code]);
    const undoing = { scopes: ['read'], ip_allowlist: null, rate_limit: null, quota: null, enabled: true };
    await update(broker, key_id, undoing);
    expect(await codes()).toEqual(['VALID', 'VALID']);
  });

  test('an earlier expiry binds at once, a later one extends the life of the key', async () => {
    const { key_id, key } = await mint(broker, { ttl_seconds: 3_600 });
    await verify(broker, key);
    await update(broker, key_id, { expires_at: new Date(Date.now() + 60 * secondMs).toISOString() });
    walkClock(broker, 61 * secondMs);
    expect((await verify(broker, key)).code).toBe('EXPIRED');
    const other = await mint(broker, { ttl_seconds: 60 });
    await update(broker, other.key_id, { expires_at: null });
    walkClock(broker, 61 * secondMs);
    expect((await verify(broker, other.key)).code).toBe('VALID');
  });

  test('a predecessor in grace changes along: a line of keys is one credential', async () => {
    const old = await mint(broker, { scopes: ['read'] });
    const active = await refreshed(broker, old, { grace_period_seconds: 600 });
    await update(broker, active.key_id, { enabled: false });
    expect((await verify(broker, old.key)).code).toBe('DISABLED');
    await update(broker, active.key_id, { enabled: true, scopes: ['write'] });
    expect(await verify(broker, old.key)).toMatchObject({ code: 'SUPERSEDED', scopes: ['write'] });
  });

  test('changing a limit does not give back what was spent', async () => {
    const { key_id, key } = await mint(broker, { quota: { limit: 5, period: 'day' } });
    await verify(broker, key, { cost: 4 });
    await update(broker, key_id, { quota: { limit: 6, period: 'day' } });
    expect((await verify(broker, key)).quota).toMatchObject({ limit: 6, remaining: 1 });
  });
});
