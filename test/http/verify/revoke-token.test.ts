import { randomBytes } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKeySecret, newSecret } from '../../../src/domain/key-format.ts';
import { callAs, codeOf, createApiUser, firstApiAdmin, type TestApiUser } from '../../support/api-users.ts';
import { auditEventsOf } from '../../support/audit-events.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { expectError, expectViolations } from '../../support/errors.ts';
import { getKey, mint, refreshed } from '../../support/keys.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';

const operation = 'POST /v1/flowplate/revoke';
const form = { 'content-type': 'application/x-www-form-urlencoded' };

let broker: TestBroker;
let admin: TestApiUser;
beforeAll(async () => {
  // Each test is another finder.
  broker = await startBroker({ TRUSTED_PROXIES: '127.0.0.1' });
  admin = await firstApiAdmin(broker);
});
afterAll(() => broker.close());

let finders = 0;
const newFinder = () => `192.0.2.${++finders}`;

function revokeToken(fields: Record<string, string> | string, options: CallOptions = {}, from = newFinder()) {
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
  const { headers, ...others } = options;
  return broker.call(operation, {
    as: null,
    body,
    headers: { ...form, 'x-forwarded-for': from, ...headers },
    ...others,
  });
}

/** All that an answer says, except what belongs to its request. */
const answerOf = ({ status, body, headers }: Awaited<ReturnType<typeof revokeToken>>) => [
  status,
  body,
  [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)).sort(),
];

describe('a request of a wrong form is refused, and ends nothing', () => {
  test.each([
    ['', 'token'],
    ['token=', 'token'],
    ['token_type_hint=access_token', 'token'],
    ['token=x&reason=stolen', 'reason'],
  ])('422: "%s"', async (body, path) => {
    expectViolations(await revokeToken(body), path);
  });

  test('400: a member that is sent twice', async () => {
    const { key } = await mint(broker);
    expectError(await revokeToken(`token=${key}&token=x`), 400, 'INVALID_JSON');
    expect(await codeOf(broker, key)).toBe('VALID');
  });

  test('405, 413, 415 and 422: another method, a large body, JSON, and a token in the URL', async () => {
    const { key } = await mint(broker);
    const get = await broker.call(`GET /v1/flowplate/revoke?token=${key}`, { as: null });
    expectError(get, 405, 'METHOD_NOT_ALLOWED');
    expectError(await revokeToken({ token: 'a'.repeat(70_000) }), 413, 'PAYLOAD_TOO_LARGE');
    const json = { headers: { 'content-type': 'application/json' } };
    expectError(await revokeToken(JSON.stringify({ token: key }), json), 415, 'UNSUPPORTED_MEDIA_TYPE');
    const inUrl = await broker.call(`${operation}?token=${key}`, {
      as: null,
      body: 'token=x',
      headers: form,
    });
    expectViolations(inUrl, '');
    expect(await codeOf(broker, key)).toBe('VALID');
    expect(broker.logLines.join('')).not.toContain(key);
  });
});

describe('200', () => {
  test('the answer is the same for every token, and says nothing about it', async () => {
    const { key } = await mint(broker);
    const ended = await mint(broker);
    await revokeToken({ token: ended.key });
    const tokens = [
      ...[key, ended.key, 'x', `${key}0`, 'a'.repeat(60_000)],
      ...[newSecret('user', 'test', randomBytes), newSecret('master', 'test', randomBytes)],
      ...(['tenant', 'platform', 'apiUser'] as const).map((kind) => newApiKeySecret(kind, randomBytes)),
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJwdXNlcl8xIn0.',
    ];
    const answers = [];
    for (const token of tokens) answers.push(answerOf(await revokeToken({ token })));
    expect(answers[0]?.slice(0, 2)).toEqual([200, {}]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await codeOf(broker, key)).toBe('REVOKED');
  });

  test('a user key is refused by every replica from then on, with the key as the actor', async () => {
    const replica = await broker.replica();
    try {
      const { key, key_id, user_id, organization_id } = await mint(broker);
      expect(await codeOf(replica, key)).toBe('VALID');
      const hinted = { token: key, token_type_hint: 'refresh_token', client_id: 'ignored' };
      expect((await revokeToken(hinted)).status).toBe(200);
      expect(await codeOf(replica, key)).toBe('REVOKED');
      expect((await getKey(broker, key_id)).body).toMatchObject({
        status: 'revoked',
        revoked_reason: 'key_compromise',
      });
      expect(await eventOf('key.revoked', key_id)).toMatchObject({
        ...{ actor_kind: 'user_key', actor_id: key_id, organization_id },
        details: { reason: 'key_compromise' },
      });
      // Its place is free.
      await mint(broker, { user_id, organization_id });
    } finally {
      await replica.close();
    }
  });

  test('a line break behind the key, as files have, does not keep it alive', async () => {
    const { key } = await mint(broker);
    await revokeToken({ token: ` ${key}\r\n` });
    expect(await codeOf(broker, key)).toBe('REVOKED');
  });

  test('a reason is kept', async () => {
    const { key, key_id } = await mint(broker);
    await revokeToken({ token: key, reason: 'superseded' });
    expect((await getKey(broker, key_id)).body.revoked_reason).toBe('superseded');
  });

  test('a key in its grace ends alone; its successor goes on', async () => {
    const old = await mint(broker);
    const successor = await refreshed(broker, old, { grace_period_seconds: 600 });
    expect(await codeOf(broker, old.key)).toBe('SUPERSEDED');
    await revokeToken({ token: old.key });
    expect([await codeOf(broker, old.key), await codeOf(broker, successor.key)]).toEqual([
      'REVOKED',
      'VALID',
    ]);
  });

  test('a tenant key and a platform key end', async () => {
    const tenant = await tenantKey(broker, 'org_tenant');
    const platform = await platformKey(broker);
    for (const [kind, { id, secret }] of [['tenant', tenant] as const, ['platform', platform] as const]) {
      expect(await codeOf(broker, secret)).toBe('VALID');
      await revokeToken({ token: secret });
      expect(await codeOf(broker, secret)).toBe('REVOKED');
      expect(await eventOf(`${kind}.key.revoked`, id)).toMatchObject({
        ...{ actor_kind: `${kind}_key`, actor_id: id },
        details: { reason: 'key_compromise' },
      });
    }
  });

  test('the key of an API user ends; a rotation gives the user another, and the count goes on', async () => {
    const user = await createApiUser(broker, admin);
    expect(await codeOf(broker, user.key)).toBe('VALID');
    await revokeToken({ token: user.key });
    expect(await codeOf(broker, user.key)).toBe('REVOKED');
    expect(await eventOf('api_user.key_revoked', user.id)).toMatchObject({
      ...{ actor_kind: 'api_user', actor_id: user.id },
      details: { reason: 'key_compromise' },
    });
    // Once is enough: the key that nobody has stays.
    await revokeToken({ token: user.key });
    expect((await eventsOf('api_user.key_revoked', user.id)).length).toBe(1);
    const { body } = await callAs(broker, admin)(`POST /users/${user.id}/rotate-key`);
    expect(await codeOf(broker, body.api_key)).toBe('VALID');
    await broker.settleUsage();
    const { usage } = (await callAs(broker, admin)(`GET /users/${user.id}`)).body;
    expect(usage.total_requests).toBe(2);
  });

  test('a master key ends from any address; the keys that it minted go on', async () => {
    const { id, secret } = await broker.createMasterKey({ ipAllowlist: ['198.51.100.0/24'] });
    const from = { as: secret, headers: { 'x-forwarded-for': '198.51.100.7' } };
    const { key } = await mint(broker, {}, from);
    await revokeToken({ token: secret });
    const listed = await broker.call('GET /v1/flowplate/api-keys', from);
    expectError(listed, 401, 'AUTHENTICATION_REQUIRED');
    expect(await codeOf(broker, key)).toBe('VALID');
    expect(await eventOf('master_key.revoked', id)).toMatchObject({ actor_kind: 'master_key', actor_id: id });
  });

  test('a master key with a secret of an operator’s choice does not: it is no key of a known form', async () => {
    const chosen = randomBytes(24).toString('hex');
    await broker.createMasterKey({}, chosen);
    expect((await revokeToken({ token: chosen })).status).toBe(200);
    expect((await broker.call('GET /v1/flowplate/api-keys', { as: chosen })).status).toBe(200);
  });

  test('an OAuth library takes the answer', async () => {
    const { key } = await mint(broker);
    const server = { issuer: broker.url, revocation_endpoint: `${broker.url}/v1/flowplate/revoke` };
    const client = { client_id: 'any' };
    const response = await oauth.revocationRequest(server, client, oauth.None(), key, {
      [oauth.allowInsecureRequests]: true,
      headers: { 'x-forwarded-for': newFinder() },
    });
    await expect(oauth.processRevocationResponse(response)).resolves.toBeUndefined();
    expect(await codeOf(broker, key)).toBe('REVOKED');
  });

  test('of many at once the key ends once', async () => {
    const { key, key_id } = await mint(broker);
    const answers = await Promise.all(Array.from({ length: 10 }, () => revokeToken({ token: key })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect((await eventsOf('key.revoked', key_id)).length).toBe(1);
  });

  test('no token is in a log line or an audit event', async () => {
    const { key, key_id } = await mint(broker);
    await revokeToken({ token: key });
    const events = JSON.stringify(await auditEventsOf(broker, { targetId: key_id }));
    expect(events).toContain('key.revoked');
    for (const text of [...broker.logLines, events]) expect(text).not.toContain(key.slice(-38));
  });
});

test('429: beyond 100 requests of an address at once, whatever their tokens; others are answered', async () => {
  // One network: IPv6 counts by /64.
  const sent = Array.from({ length: 160 }, (_, index) => {
    const token = index % 2 === 0 ? 'x' : newSecret('user', 'test', randomBytes);
    return revokeToken({ token }, {}, `2001:db8::${index + 1}`);
  });
  const answers = await Promise.all(sent);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(100);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expectError(answer, 429, 'RATE_LIMITED');
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  }
  expect((await revokeToken({ token: 'x' })).status).toBe(200);
});

const eventsOf = async (type: string, targetId: string) =>
  (await auditEventsOf(broker, { targetId })).filter(({ event_type }) => event_type === type);

const eventOf = async (type: string, targetId: string) => (await eventsOf(type, targetId))[0];
