import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const operation = `POST ${keysPath}/verify`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, operation, 'keys:verify');

describe('422', () => {
  test.each<[object, string]>([
    [{ key: undefined }, 'key'],
    [{ key: null }, 'key'],
    [{ key: ['a'] }, 'key'],
    [{ scopes: 'read' }, 'scopes'],
    [{ scopes: [''] }, 'scopes.0'],
    [{ organization_id: '' }, 'organization_id'],
    [{ environment: 'PROD' }, 'environment'],
    [{ ip: null }, 'ip'],
    [{ ip: 167_838_211 }, 'ip'],
    [{ ip: ['10.1.2.3'] }, 'ip'],
    [{ cost: -1 }, 'cost'],
    [{ cost: 0.5 }, 'cost'],
    [{ cost: 1_000_001 }, 'cost'],
    [{ cost: '1' }, 'cost'],
    [{ org_id: 'org_1' }, ''],
  ])('the body %j is refused', async (body, path) => {
    expectViolations(await broker.call(operation, { body: { key: 'x', ...body } }), path);
  });

  test('a key in the query is refused: a secret is in no URL', async () => {
    expectViolations(await broker.call(`${operation}?key=x`, { body: { key: 'x' } }), '');
  });
});

describe('a refusal', () => {
  const refused = (code: string) => ({ valid: false, code });

  test('MALFORMED: text that cannot be a key is refused by its form', async () => {
    const { key } = await mint(broker);
    const [head, tail] = [key.slice(0, -46), key.slice(-46)];
    for (const text of [
      '',
      'x',
      'a'.repeat(4_096),
      'a'.repeat(5_000),
      'a'.repeat(65_000),
      'fl_user_test_\u0000\ud7ff\u{1f511}',
      broker.masterKey,
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      key.toUpperCase(),
      head + tail.slice(0, 9) + (tail[9] === 'a' ? 'b' : 'a') + tail.slice(10),
      key.replace('fl_user_test_', 'fl_user_prod_'),
    ]) {
      expect(await verify(broker, text)).toEqual(refused('MALFORMED'));
    }
  });

  test('NOT_FOUND: a well-formed key that was never minted, or one outside the allow-lists', async () => {
    expect(await verify(broker, newSecret('user', 'test', randomBytes))).toEqual(refused('NOT_FOUND'));
    const { key } = await mint(broker);
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      expect(await verify(broker, key, {}, { as })).toEqual(refused('NOT_FOUND'));
    }
    expect(await verify(broker, key)).toMatchObject({ valid: true, code: 'VALID' });
  });

  test('ORGANIZATION_SUSPENDED: all keys of a suspended or deleted organization stop at once, and come back', async () => {
    const first = await mint(broker);
    const second = await mint(broker, { organization_id: first.organization_id });
    const bystander = await mint(broker);
    const codes = () =>
      Promise.all([first, second, bystander].map(async ({ key }) => (await verify(broker, key)).code));
    expect(await codes()).toEqual(['VALID', 'VALID', 'VALID']);
    for (const status of ['suspended', 'deleted'] as const) {
      const { isComplete } = await setStatus(broker, first.organization_id, status);
      expect(isComplete).toBe(true);
      expect(await codes()).toEqual(['ORGANIZATION_SUSPENDED', 'ORGANIZATION_SUSPENDED', 'VALID']);
      await setStatus(broker, first.organization_id, 'active');
      expect(await codes()).toEqual(['VALID', 'VALID', 'VALID']);
    }
  });

  test.each<[string, object, object]>([
    ['ENVIRONMENT_MISMATCH', {}, { environment: 'prod' }],
    ['ORGANIZATION_MISMATCH', {}, { organization_id: 'org_other' }],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['10.0.0.0/8'] }, { ip: '11.0.0.1' }],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['10.0.0.0/8'] }, {}],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['2001:db8::/32'] }, { ip: '2001:db9::1' }],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['0.0.0.0/0', '::/0'] }, { ip: 'localhost' }],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['0.0.0.0/0', '::/0'] }, { ip: '10.0.0.0/8' }],
    ['IP_NOT_ALLOWED', { ip_allowlist: ['::/0'] }, { ip: 'fe80::1%eth0' }],
    ['INSUFFICIENT_SCOPE', { scopes: ['read'] }, { scopes: ['read', 'write'] }],
    ['INSUFFICIENT_SCOPE', { scopes: ['read:*'] }, { scopes: ['read:all'] }],
  ])('%s: a key minted with %j is refused for %j', async (code, settings, asked) => {
    const { key } = await mint(broker, settings);
    expect(await verify(broker, key, asked)).toEqual(refused(code));
  });

  test('the first reason in the order of the contract decides', async () => {
    const { key, key_id, organization_id } = await mint(broker, {
      ttl_seconds: 60,
      rate_limit: { limit: 10, window_seconds: 600 },
      quota: { limit: 1, period: 'month' },
      ip_allowlist: ['10.0.0.0/8'],
    });
    let asked: object = { ip: '10.0.0.1' };
    const codeWith = async (more: object = {}) => {
      asked = { ...asked, ...more };
      return (await verify(broker, key, asked)).code;
    };
    expect(await codeWith()).toBe('VALID');
    expect(await codeWith()).toBe('QUOTA_EXCEEDED');
    expect(await codeWith({ cost: 10 })).toBe('RATE_LIMITED');
    expect(await codeWith({ scopes: ['absent'] })).toBe('INSUFFICIENT_SCOPE');
    expect(await codeWith({ ip: '192.0.2.1' })).toBe('IP_NOT_ALLOWED');
    expect(await codeWith({ organization_id: 'org_other' })).toBe('ORGANIZATION_MISMATCH');
    expect(await codeWith({ environment: 'prod' })).toBe('ENVIRONMENT_MISMATCH');
    await setStatus(broker, organization_id, 'suspended');
    expect(await codeWith()).toBe('ORGANIZATION_SUSPENDED');
    await update(broker, key_id, { enabled: false });
    expect(await codeWith()).toBe('DISABLED');
    await update(broker, key_id, { enabled: true });
    walkClock(broker, 61 * secondMs);
    expect(await codeWith()).toBe('EXPIRED');
  });

  test('a disabled key says so also when it has expired, a revoked one also when it was disabled', async () => {
    const { key, key_id } = await mint(broker, { ttl_seconds: 60 });
    await update(broker, key_id, { enabled: false });
    const other = await mint(broker);
    await update(broker, other.key_id, { enabled: false });
    await revoke(broker, other.key_id);
    expect(await verify(broker, other.key)).toEqual(refused('REVOKED'));
    walkClock(broker, 61 * secondMs);
    expect(await verify(broker, key)).toEqual(refused('DISABLED'));
  });
});

describe('an acceptance', () => {
  test('the answer is exactly what the gateway needs', async () => {
    const { key, key_id, user_id, organization_id } = await mint(broker, { scopes: ['a', 'b'] });
    const answer = await broker.call(operation, {
      body: { key, scopes: ['b'], organization_id, environment: 'test', ip: '192.0.2.1', cost: 5 },
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toStrictEqual({
      valid: true,
      code: 'VALID',
      key_id,
      user_id,
      organization_id,
      environment: 'test',
      scopes: ['a', 'b'],
      metadata: {},
      expires_at: null,
    });
  });

  test('SUPERSEDED: a key in its grace is valid, with its own end and its successor', async () => {
    const old = await mint(broker);
    const successor = await refreshed(broker, old, { grace_period_seconds: 60 });
    const { created_at } = successor;
    const expires_at = new Date(Date.parse(created_at) + 60_000).toISOString();
    const { key_id } = old;
    expect(await verify(broker, old.key)).toMatchObject({
      valid: true,
      code: 'SUPERSEDED',
      key_id,
      expires_at,
      superseded_by: successor.key_id,
      superseded_at: created_at,
      superseded_until: expires_at,
    });
    expect((await verify(broker, old.key, { scopes: ['absent'] })).code).toBe('INSUFFICIENT_SCOPE');
    expect(Object.keys(await verify(broker, successor.key))).not.toContain('superseded_by');
  });

  test('SUPERSEDED: each key of a line names the one that it was refreshed into, wherever its record comes from', async () => {
    const first = await mint(broker);
    const second = await refreshed(broker, first, { grace_period_seconds: 60 });
    const third = await refreshed(broker, first, { grace_period_seconds: 60 });
    const replica = await broker.replica();
    const namedBy = async (by: TestBroker) =>
      Promise.all([first, second, third].map(async ({ key }) => (await verify(by, key)).superseded_by));
    const expected = [second.key_id, third.key_id, undefined];
    // From Postgres, from this process's memory, and from Redis.
    expect(await namedBy(broker)).toEqual(expected);
    expect(await namedBy(broker)).toEqual(expected);
    expect(await namedBy(replica)).toEqual(expected);
    const limited = await mint(broker, { rate_limit: { limit: 9, window_seconds: 60 } });
    const { key_id } = await refreshed(broker, limited, { grace_period_seconds: 60 });
    expect(await verify(broker, limited.key)).toMatchObject({
      superseded_by: key_id,
      rate_limit: { limit: 9 },
    });
    await replica.close();
  });

  test.each([
    [['10.0.0.0/8'], '10.255.255.255'],
    [['192.0.2.7'], '192.0.2.7'],
    [['0.0.0.0/0'], '203.0.113.9'],
    [['::/0'], '2001:db8::1'],
    [['2001:db8::/32', '10.0.0.0/8'], '2001:DB8:0:0::7'],
    [['10.0.0.0/8'], '::ffff:10.1.2.3'],
    [['10.0.0.0/8'], '10.1.2.3:51234'],
    [['2001:db8::/32'], '[2001:db8::5]:443'],
    [['::ffff:10.0.0.0/104'], '10.1.2.3'],
    [['fe80::/10'], 'fe80::1'],
  ])('the allow-list %j lets %s in', async (ip_allowlist, ip) => {
    const { key } = await mint(broker, { ip_allowlist });
    expect((await verify(broker, key, { ip })).code).toBe('VALID');
  });

  test('a key without an allow-list is valid from anywhere, also when no address can be read', async () => {
    const { key } = await mint(broker);
    for (const ip of ['203.0.113.9', 'unknown', '', 'x'.repeat(10_000)]) {
      expect((await verify(broker, key, { ip })).code).toBe('VALID');
    }
  });

  test('a stored invalid range admits no address, and the other ranges still work', async () => {
    const stored = ['fe80::1%eth0', '10.0.0.0/08', '::ffff:10.0.0.0/8', '192.0.2.0/24'];
    const { key, key_id } = await mint(broker, { ip_allowlist: ['192.0.2.0/24'] });
    await broker.db.updateTable('api_keys').set({ ip_allowlist: stored }).where('id', '=', key_id).execute();
    expect((await verify(broker, key, { ip: '192.0.2.1' })).code).toBe('VALID');
    for (const ip of ['fe80::1', 'fe80::1%eth0', '10.0.0.0', '10.1.2.3', '11.1.2.3']) {
      expect((await verify(broker, key, { ip })).code).toBe('IP_NOT_ALLOWED');
    }
    expect((await getKey(broker, key_id)).body.ip_allowlist).toEqual(stored);
  });
});
