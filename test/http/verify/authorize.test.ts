import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bytesOf } from '../../support/errors.ts';
import { getKey, mint, refreshed, revoke, update } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';
import { doorPath, expectRefusal, headersOf, knock, knockWith } from './door.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

const hourly = (limit: number) => ({ rate_limit: { limit, window_seconds: 3_600 } });

const realm = 'Bearer realm="flowplate"';
const invalid = { 'www-authenticate': `${realm}, error="invalid_token"` };
const forbidden = {
  'www-authenticate': `${realm}, error="insufficient_scope"`,
  'x-flowplate-code': 'forbidden',
};

describe('401', () => {
  test('a request without a key is told which scheme to use, and no error (RFC 6750 §3.1)', async () => {
    expectRefusal(await knock(broker, {}), 401, 'Authentication required', { 'www-authenticate': realm });
    const basic = await knock(broker, { authorization: 'Basic dXNlcjpwYXNz' });
    expectRefusal(basic, 401, 'Authentication required', { 'www-authenticate': realm });
  });

  test('malformed, unknown, revoked, disabled, expired and foreign keys are refused down to the same bytes', async () => {
    const { secret: narrow } = await broker.createMasterKey({ organizationIds: ['org_elsewhere'] });
    const unknown = await knockWith(broker, { key: newSecret('user', 'test', randomBytes) });
    expectRefusal(unknown, 401, 'The credential is not valid', invalid);
    const [revoked, disabled, foreign, expiring] = await Promise.all([
      mint(broker),
      mint(broker),
      mint(broker),
      mint(broker, { ttl_seconds: 60 }),
    ]);
    for (const each of [revoked, disabled, expiring])
      expect((await knockWith(broker, each)).status).toBe(200);
    await revoke(broker, revoked.key_id);
    await update(broker, disabled.key_id, { enabled: false });
    walkClock(broker, 61 * secondMs);
    for (const refused of [
      await knockWith(broker, { key: 'x' }),
      await knockWith(broker, { key: broker.masterKey }),
      await knockWith(broker, revoked),
      await knockWith(broker, disabled),
      await knockWith(broker, expiring),
      await knockWith(broker, foreign, {}, { as: narrow }),
    ]) {
      expect(bytesOf(refused)).toBe(bytesOf(unknown));
    }
  });
});

describe('403', () => {
  test('a scope, an organization, an environment, an address that does not fit, and a suspended organization: the same bytes', async () => {
    const client = await mint(broker, { scopes: ['read'] });
    const scope = await knockWith(broker, client, { 'x-flowplate-required-scopes': 'read write' });
    expectRefusal(scope, 403, 'Not allowed', forbidden);
    const suspended = await mint(broker);
    await setStatus(broker, suspended.organization_id, 'suspended');
    const elsewhere = await mint(broker, { ip_allowlist: ['192.0.2.0/24'] });
    for (const refused of [
      await knockWith(broker, client, { 'x-flowplate-required-organization': 'org_other' }),
      await knockWith(broker, client, { 'x-flowplate-required-environment': 'prod' }),
      await knockWith(broker, elsewhere, { 'x-forwarded-for': '203.0.113.9' }),
      await knockWith(broker, suspended),
    ]) {
      expect(bytesOf(refused)).toBe(bytesOf(scope));
    }
  });
});

describe('200', () => {
  test('a good key passes with all that is known of it, exactly 200 and no body', async () => {
    const client = await mint(broker, { scopes: ['a', 'b:c'] });
    const answer = await knockWith(broker, client);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect(headersOf(answer)).toStrictEqual({
      'cache-control': 'no-store',
      'content-length': '0',
      'x-envoy-auth-headers-to-remove': 'authorization,x-api-key',
      'x-flowplate-environment': 'test',
      'x-flowplate-key-id': client.key_id,
      'x-flowplate-organization-id': client.organization_id,
      'x-flowplate-scopes': 'a b:c',
      'x-flowplate-user-id': client.user_id,
      'x-request-id': expect.stringMatching(/^req_/),
    });
  });

  test('the header of a key without scopes is there and empty', async () => {
    expect((await knockWith(broker, await mint(broker))).headers.get('x-flowplate-scopes')).toBe('');
  });

  test('a limited key is told what is left', async () => {
    const client = await mint(broker, { ...hourly(5), quota: { limit: 7, period: 'day' } });
    const { headers } = await knockWith(broker, client);
    expect(headers.get('ratelimit')).toMatch(/^"rate";r=4;t=3[56]\d\d, "quota";r=6;t=\d+$/);
    expect(headers.get('ratelimit-policy')).toBe('"rate";q=5;w=3600, "quota";q=7');
    expect(headers.get('retry-after')).toBeNull();
  });

  test('a key in its grace passes, with since when it has a successor and when it stops', async () => {
    const old = await mint(broker);
    const successor = await refreshed(broker, old, { grace_period_seconds: 60 });
    const { headers } = await knockWith(broker, old);
    expect(headers.get('x-flowplate-key-id')).toBe(old.key_id);
    const sinceSeconds = Math.floor(Date.parse(successor.created_at) / 1_000);
    // RFC 9745 §2: a date as a structured field. RFC 8594 §3: an HTTP date.
    expect(headers.get('deprecation')).toBe(`@${sinceSeconds}`);
    expect(headers.get('sunset')).toBe(new Date((sinceSeconds + 60) * 1_000).toUTCString());
    const next = (await knockWith(broker, successor)).headers;
    expect([next.get('deprecation'), next.get('sunset')]).toEqual([null, null]);
  });

  test("the gateway's own request id comes back", async () => {
    const answer = await knockWith(broker, await mint(broker), { 'x-request-id': 'trace-7' });
    expect(answer.headers.get('x-request-id')).toBe('trace-7');
  });

  test('passed and refused requests are counted like any other verification', async () => {
    const client = await mint(broker, { scopes: ['read'] });
    await knockWith(broker, client);
    await knockWith(broker, client, { 'x-flowplate-required-scopes': 'write' });
    await broker.settleUsage();
    const { usage } = (await getKey(broker, client.key_id)).body;
    expect(usage).toMatchObject({ total_requests: 1, refused_requests: 1 });
  });

  test('HEAD is answered like GET, with the length of what is left out', async () => {
    const headers = { 'x-flowplate-master-key': broker.masterKey };
    const get = await fetch(broker.url + doorPath, { headers });
    const head = await fetch(broker.url + doorPath, { headers, method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([401, '']);
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
    expect((await knockWith(broker, await mint(broker), {}, { method: 'HEAD' })).status).toBe(200);
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'])(
    'whatever the method: %s is answered by the key alone',
    async (method) => {
      const client = await mint(broker);
      for (const below of ['', '/', '/orders/7', '/orders?page=2', '?page=2', '//', '/a%2Fb/../c']) {
        expect((await knockWith(broker, client, {}, { method, below })).status).toBe(200);
        expect((await knock(broker, {}, { method, below })).status).toBe(401);
      }
    },
  );

  test('a path that only begins like the endpoint is not the endpoint', async () => {
    expect((await knockWith(broker, await mint(broker), {}, { below: 'z' })).status).toBe(404);
  });
});
