import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { Answer, CallOptions } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { getKey, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { setStatus } from '../../support/organization-status.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const operation = 'POST /v1/flowplate/introspect';
const form = { 'content-type': 'application/x-www-form-urlencoded' };

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

testAccess(() => broker, operation, 'keys:verify');

function introspect(fields: Record<string, string> | string, options: CallOptions = {}): Promise<Answer> {
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
  return broker.call(operation, { body, headers: form, ...options });
}

describe('413 and 415', () => {
  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'only a form is taken: %s is not',
    async (type) => {
      const answer = await introspect('{"token":"x"}', { headers: { 'content-type': type } });
      expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    },
  );

  test('a body beyond 64 KiB is not read', async () => {
    expectError(await introspect({ token: 'a'.repeat(70_000) }), 413, 'PAYLOAD_TOO_LARGE');
  });

  test('a form with its character set is taken', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
    expect((await introspect({ token: 'x' }, { headers })).body).toEqual({ active: false });
  });
});

describe('405', () => {
  test('GET is refused: a token in a URL ends up in logs', async () => {
    const { key } = await mint(broker);
    const answer = await broker.call(`GET /v1/flowplate/introspect?token=${key}`);
    expectError(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(broker.logLines.join('')).not.toContain(key);
  });
});

describe('422', () => {
  test.each<[string, string[]]>([
    ['', ['token']],
    ['token_type_hint=access_token', ['token']],
    ['client_id=a&resource=b', ['token']],
  ])('the form "%.40s" is refused', async (body, paths) => {
    expectViolations(await introspect(body), ...paths);
  });

  test('a token in the query is refused', async () => {
    expectViolations(await broker.call(`${operation}?token=x`, { body: 'token=x', headers: form }), '');
  });
});

describe('200', () => {
  test('an active key is described in the words of RFC 7662', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const { key, key_id, user_id, organization_id } = await mint(broker, {
      scopes: ['a', 'b:c'],
      expires_at,
    });
    const answer = await introspect({ token: key, token_type_hint: 'access_token' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toStrictEqual({
      active: true,
      scope: 'a b:c',
      sub: user_id,
      exp: Math.floor(Date.parse(expires_at) / 1_000),
      token_type: 'Bearer',
      key_id,
      organization_id,
      environment: 'test',
    });
  });

  test('a key without an end has no exp, one in its grace has the end of that', async () => {
    const old = await mint(broker);
    expect((await introspect({ token: old.key })).body).not.toHaveProperty('exp');
    const { created_at } = await refreshed(broker, old, { grace_period_seconds: 60 });
    expect((await introspect({ token: old.key })).body).toMatchObject({
      active: true,
      exp: Math.floor((Date.parse(created_at) + 60_000) / 1_000),
    });
  });

  test('every key that is not active gets the same inactive answer, byte for byte', async () => {
    const { secret: narrow } = await broker.createMasterKey({ organizationIds: ['org_elsewhere'] });
    const [revoked, disabled, suspended, foreign, expiring] = await Promise.all([
      mint(broker),
      mint(broker),
      mint(broker),
      mint(broker),
      mint(broker, { ttl_seconds: 60 }),
    ]);
    await revoke(broker, revoked.key_id);
    await update(broker, disabled.key_id, { enabled: false });
    await setStatus(broker, suspended.organization_id, 'suspended');
    walkClock(broker, 61 * secondMs);
    const unknown = await introspect({ token: newSecret('user', 'test', randomBytes) });
    expect(unknown.body).toStrictEqual({ active: false });
    for (const inactive of [
      await introspect({ token: 'x' }),
      await introspect({ token: broker.masterKey }),
      await introspect({ token: revoked.key }),
      await introspect({ token: disabled.key }),
      await introspect({ token: suspended.key }),
      await introspect({ token: expiring.key }),
      await introspect({ token: foreign.key }, { as: narrow }),
    ]) {
      expect(bytesOf(inactive)).toBe(bytesOf(unknown));
    }
  });

  test('asking spends no limit, and a key whose limit is spent is active still', async () => {
    const { key, key_id } = await mint(broker, { rate_limit: { limit: 1, window_seconds: 3_600 } });
    for (let asked = 0; asked < 3; asked += 1)
      expect((await introspect({ token: key })).body.active).toBe(true);
    expect((await verify(broker, key)).code).toBe('VALID');
    expect((await verify(broker, key)).code).toBe('RATE_LIMITED');
    expect((await introspect({ token: key })).body.active).toBe(true);
    await broker.settleUsage();
    expect((await getKey(broker, key_id)).body.usage.refused_requests).toBe(1);
  });
});
