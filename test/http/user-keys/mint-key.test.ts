import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSecret } from '../../../src/domain/key-format.ts';
import { testAccess } from '../../support/access.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, newOwner, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const operation = `POST ${keysPath}`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, operation, 'keys:mint');

describe('403', () => {
  test.each(['suspended', 'deleted'] as const)('a %s organization gets no new key', async (status) => {
    const { organization_id } = await mint(broker);
    await setStatus(broker, organization_id, status);
    const answer = await broker.call(operation, { body: { ...newOwner(), organization_id } });
    expectError(answer, 403, 'ORGANIZATION_SUSPENDED');
    await setStatus(broker, organization_id, 'active');
    await mint(broker, { organization_id });
  });

  test('a master key mints only where its allow-lists reach, and leaves nothing behind elsewhere', async () => {
    const [owner, foreign] = [newOwner(), newOwner()];
    const { secret: as } = await broker.createMasterKey({
      organizationIds: [owner.organization_id],
      environments: ['stage'],
    });
    for (const body of [{ ...foreign, environment: 'stage' }, { ...owner, environment: 'prod' }, owner]) {
      expectError(await broker.call(operation, { as, body }), 403, 'INSUFFICIENT_PERMISSIONS');
    }
    expect(await auditEventsOf(broker, { organizationId: foreign.organization_id })).toEqual([]);
    await mint(broker, { ...owner, environment: 'stage' }, { as });
  });
});

describe('409', () => {
  test('a second mint for the same user, organization and environment names the key that is there', async () => {
    const { key_id, user_id, organization_id } = await mint(broker);
    const again = await broker.call(operation, { body: { user_id, organization_id } });
    expect(expectError(again, 409, 'KEY_ALREADY_EXISTS')).toEqual({ key_id });
    await mint(broker, { user_id });
    await mint(broker, { organization_id });
    await mint(broker, { user_id, organization_id, environment: 'prod' });
  });

  test('a disabled key keeps its place', async () => {
    const { key_id, user_id, organization_id } = await mint(broker);
    await update(broker, key_id, { enabled: false });
    const again = await broker.call(operation, { body: { user_id, organization_id } });
    expect(expectError(again, 409, 'KEY_ALREADY_EXISTS')).toEqual({ key_id });
  });

  test('after a refresh with grace it is the successor that is in the way', async () => {
    const owner = newOwner();
    await mint(broker, owner);
    const { key_id } = await refreshed(broker, owner, { grace_period_seconds: 60 });
    const again = await broker.call(operation, { body: owner });
    expect(expectError(again, 409, 'KEY_ALREADY_EXISTS')).toEqual({ key_id });
  });

  test('a revoked key makes room', async () => {
    const owner = newOwner();
    const { key_id } = await mint(broker, owner);
    await revoke(broker, key_id);
    expect((await mint(broker, owner)).key_id).not.toBe(key_id);
  });

  test('an expired key makes room at once, and its end is written down', async () => {
    const owner = newOwner();
    const { key_id } = await mint(broker, { ...owner, ttl_seconds: 60 });
    walkClock(broker, 61 * secondMs);
    await mint(broker, owner);
    expect((await getKey(broker, key_id)).body.status).toBe('expired');
    const events = await auditEventsOf(broker, { targetId: key_id });
    expect(events.map((event) => [event.event_type, event.actor_kind])).toEqual([
      ['key.minted', 'master_key'],
      ['key.expired', 'system'],
    ]);
  });
});

describe('422', () => {
  const range = (length: number) => Array.from({ length }, (_, index) => `s${index}`);
  test.each<[string, object, string]>([
    ['user_id', { user_id: undefined }, 'user_id'],
    ['user_id', { user_id: 7 }, 'user_id'],
    ['user_id', { user_id: '' }, 'user_id'],
    ['user_id', { user_id: '-a' }, 'user_id'],
    ['user_id', { user_id: 'a b' }, 'user_id'],
    ['user_id', { user_id: 'user' }, 'user_id'],
    ['user_id', { user_id: 'verify' }, 'user_id'],
    ['user_id', { user_id: 'a'.repeat(129) }, 'user_id'],
    ['organization_id', { organization_id: null }, 'organization_id'],
    ['organization_id', { organization_id: 'verify' }, 'organization_id'],
    ['environment', { environment: 'Prod' }, 'environment'],
    ['environment', { environment: 'a'.repeat(17) }, 'environment'],
    ['name', { name: '' }, 'name'],
    ['name', { name: 'a'.repeat(201) }, 'name'],
    ['name', { name: 'a\u0000b' }, 'name'],
    ['scopes', { scopes: 'read' }, 'scopes'],
    ['scopes', { scopes: ['read', ''] }, 'scopes.1'],
    ['scopes', { scopes: range(65) }, 'scopes'],
    ['metadata', { metadata: [] }, 'metadata'],
    ['metadata', { metadata: { text: 'a'.repeat(16_384) } }, 'metadata'],
    ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    ['expires_at', { expires_at: '2099-02-30T00:00:00Z' }, 'expires_at'],
    ['expires_at', { expires_at: '2020-01-01' }, 'expires_at'],
    ['expires_at', { expires_at: 4_000_000_000 }, 'expires_at'],
    ['ttl_seconds', { ttl_seconds: 0 }, 'ttl_seconds'],
    ['ttl_seconds', { ttl_seconds: 1.5 }, 'ttl_seconds'],
    ['ttl_seconds', { ttl_seconds: 1, expires_at: '2099-01-01T00:00:00Z' }, 'ttl_seconds'],
    ['rate_limit', { rate_limit: { limit: 0, window_seconds: 1 } }, 'rate_limit.limit'],
    ['rate_limit', { rate_limit: { limit: 1 } }, 'rate_limit.window_seconds'],
    ['rate_limit', { rate_limit: { limit: 1, window_seconds: 1, burst: 2 } }, 'rate_limit'],
    ['quota', { quota: { limit: 1, period: 'week' } }, 'quota.period'],
    ['quota', { quota: { limit: -1, period: 'day' } }, 'quota.limit'],
    ['ip_allowlist', { ip_allowlist: [] }, 'ip_allowlist'],
    ['ip_allowlist', { ip_allowlist: ['10.0.0.0/33'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['10.0.0.1', 'example.org'] }, 'ip_allowlist.1'],
    ['ip_allowlist', { ip_allowlist: ['fe80::1%eth0'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['fe80::%eth0/64'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['10.0.0.0/08'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['10.0.0.0/'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['10.1.2.3:51234'] }, 'ip_allowlist.0'],
    ['ip_allowlist', { ip_allowlist: ['::ffff:10.0.0.0/8'] }, 'ip_allowlist.0'],
    ['an unknown field', { usre_id: 'usr_1' }, ''],
    ['enabled, which only a PATCH knows,', { enabled: false }, ''],
  ])('%s is refused when it is %j', async (_field, body, path) => {
    expectViolations(await broker.call(operation, { body: { ...newOwner(), ...body } }), path);
  });

  test('every violation is named at once, and a query is refused like a body', async () => {
    const body = { user_id: '', organization_id: 7, name: '' };
    expectViolations(await broker.call(operation, { body }), 'user_id', 'organization_id', 'name');
    expectViolations(await broker.call(`${operation}?dry_run=true`, { body: newOwner() }), '');
    expectViolations(await broker.call(operation), 'user_id', 'organization_id');
  });
});

describe('success', () => {
  test('without options the answer is exactly what the seed shows', async () => {
    const owner = newOwner();
    const answer = await broker.call(operation, { body: owner });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toStrictEqual({
      key: expect.stringMatching(/^fl_user_test_[0-9A-Za-z]{46}$/),
      key_id: expect.stringMatching(/^flk_[0-9A-Za-z]{22}$/),
      key_prefix: answer.body.key.slice(0, 'fl_user_test_'.length + 8),
      ...owner,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(parseSecret(answer.body.key)).toMatchObject({ kind: 'user', environment: 'test' });
  });

  test('every option that was set comes back, is stored and binds', async () => {
    const options = {
      environment: 'stage',
      name: 'Zürich – build 7',
      metadata: { team: 'search', nested: { levels: [1, 2.5, null, true, '\u{1f511}'] } },
      scopes: ['read', 'write:all/*'],
      expires_at: '2099-01-02T03:04:05.678Z',
      rate_limit: { limit: 5, window_seconds: 60, on_unavailable: 'deny' },
      quota: { limit: 1_000_000_000_000, period: 'month' },
      ip_allowlist: ['10.0.0.0/8', '2001:DB8:0::1'],
    };
    const minted = await mint(broker, options);
    expect(minted).toMatchObject(options);
    expect((await getKey(broker, minted.key_id)).body).toMatchObject({ ...options, status: 'active' });
    const { environment, metadata, scopes, expires_at } = options;
    const verdict = await verify(broker, minted.key, { ip: '10.9.8.7' });
    expect(verdict).toMatchObject({ code: 'VALID', environment, metadata, scopes, expires_at });
  });

  test('ttl_seconds comes back as the moment that it means, an offset as UTC, a repeated scope once', async () => {
    const minted = await mint(broker, { ttl_seconds: 90, scopes: ['a', 'b', 'a'] });
    const lifeMs = Date.parse(minted.expires_at ?? '') - Date.parse(minted.created_at);
    // Counted from when the request was read, some milliseconds before the key was made.
    expect(lifeMs).toBeLessThanOrEqual(90_000);
    expect(lifeMs).toBeGreaterThan(80_000);
    expect(minted).toMatchObject({ scopes: ['a', 'b'] });
    const elsewhere = await mint(broker, { expires_at: '2099-01-01T00:00:00+02:00' });
    expect(elsewhere).toMatchObject({ expires_at: '2098-12-31T22:00:00.000Z' });
  });

  test('the key works on every replica before anything else happened there', async () => {
    const replica = await broker.replica();
    const minted = await Promise.all(Array.from({ length: 20 }, () => mint(broker)));
    const verdicts = await Promise.all(minted.map(({ key }) => verify(replica, key)));
    await replica.close();
    expect(new Set(verdicts.map(({ code }) => code))).toEqual(new Set(['VALID']));
  });

  test('organization and environments are created on first use, on the account of who minted', async () => {
    const owner = newOwner();
    const { id, secret: as } = await broker.createMasterKey();
    const headers = { 'x-request-id': 'first-use' };
    const { key_id } = await mint(broker, owner, { as, headers });
    await mint(broker, { ...newOwner(), organization_id: owner.organization_id });
    const events = await auditEventsOf(broker, { organizationId: owner.organization_id });
    const first = events.filter((event) => event.request_id === 'first-use');
    expect(first.map((event) => event.event_type).sort()).toEqual([
      'environment.created',
      'environment.created',
      'key.minted',
      'organization.created',
    ]);
    expect(first.every((event) => event.actor_id === id)).toBe(true);
    expect(first.filter((event) => event.target_id === key_id)).toHaveLength(1);
    const slugs = first.flatMap((event) => (event.details as { slug?: string }).slug ?? []);
    expect(slugs.sort()).toEqual(['default', 'test']);
    expect(events.filter((event) => event.request_id !== 'first-use')).toMatchObject([
      { event_type: 'key.minted' },
    ]);
  });
});
