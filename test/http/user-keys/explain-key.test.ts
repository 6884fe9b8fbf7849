import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../../src/domain/key-format.ts';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { getKey, keysPath, mint, refreshed, revoke, verify } from '../../support/keys.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey } from '../../support/platform-callers.ts';
import { secondMs, walkClock } from '../../support/walk-clock.ts';

const neverExisted = 'flk_0000000000000000000000';
const platformPath = '/api/v1/platform/hidden-keys';

let broker: TestBroker;
let gateway: string;
let explainer: string;
beforeAll(async () => {
  broker = await startBroker();
  gateway = (await broker.createMasterKey({ permissions: ['keys:verify'] })).secret;
  explainer = (await broker.createMasterKey({ permissions: ['keys:explain'] })).secret;
});
afterAll(() => broker.close());

const explainId = (keyId: string, body: object = {}, options: CallOptions = {}) =>
  broker.call(`POST ${keysPath}/${keyId}/explain`, { body, ...options });
const explainText = (key: string, asked: object = {}, options: CallOptions = {}) =>
  broker.call(`POST ${keysPath}/verify`, { body: { key, explain: true, ...asked }, ...options });
const failedOf = (body: { checks: { check: string; result: string }[] }) =>
  body.checks.filter(({ result }) => result === 'failed').map(({ check }) => check);

testAccess(() => broker, `POST ${keysPath}/${neverExisted}/explain`, 'keys:explain');
describe('for operators', () => {
  testOperatorAccess(() => broker, `POST ${platformPath}/${neverExisted}/explain`, {
    may: 'role_platform_viewer',
  });
});

describe('403', () => {
  test('a gateway that may only verify gets no explanation, of one key or of a batch, and nothing is spent', async () => {
    const { key } = await mint(broker, { rate_limit: { limit: 5, window_seconds: 3_600 } });
    for (const unknown of [key, newSecret('user', 'test', randomBytes), 'x']) {
      const details = expectError(
        await explainText(unknown, {}, { as: gateway }),
        403,
        'INSUFFICIENT_PERMISSIONS',
      );
      expect(details).toEqual({ required_permission: 'keys:explain' });
    }
    const keys = [{ key }, { key, explain: true }];
    const batch = await broker.call(`POST ${keysPath}/verify/batch`, { as: gateway, body: { keys } });
    expectError(batch, 403, 'INSUFFICIENT_PERMISSIONS');
    expect((await verify(broker, key)).rate_limit).toMatchObject({ remaining: 4 });
    expect((await explainText(key, { explain: false }, { as: gateway })).body.code).toBe('VALID');
  });

  test('a caller that may only explain does not verify', async () => {
    const { key } = await mint(broker);
    const details = expectError(
      await explainText(key, {}, { as: explainer }),
      403,
      'INSUFFICIENT_PERMISSIONS',
    );
    expect(details).toEqual({ required_permission: 'keys:verify' });
  });
});

describe('no oracle', () => {
  test('a key outside the allow-lists looks exactly like one that never existed, by its id and by its text', async () => {
    const { key, key_id } = await mint(broker);
    expectError(await explainId(neverExisted), 404, 'KEY_NOT_FOUND');
    const asked = { ip: '192.0.2.1', scopes: ['read'] };
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      const missing = await explainId(neverExisted, asked, { as });
      expect(bytesOf(await explainId(key_id, asked, { as }))).toBe(bytesOf(missing));
      const madeUp = await explainText(newSecret('user', 'test', randomBytes), asked, { as });
      const foreign = await explainText(key, asked, { as });
      expect(withoutTimes(foreign.body)).toEqual(withoutTimes(madeUp.body));
      expect(foreign.body).toMatchObject({ valid: false, code: 'NOT_FOUND' });
      expect(foreign.body.checks.map(({ has }: { has: unknown }) => has)).toEqual(Array(13).fill(null));
    }
  });

  test('behind a text that is no key nothing is reached', async () => {
    const { body } = await explainText('x');
    expect(body.code).toBe('MALFORMED');
    expect(body.checks.map(({ result }: { result: string }) => result)).toEqual([
      'failed',
      ...Array(12).fill('not_reached'),
    ]);
  });
});

const withoutTimes = (body: object) =>
  JSON.parse(JSON.stringify(body).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'now'));

describe('422', () => {
  test('a field that is not known, and one that is no answer to its question', async () => {
    const { key_id, key } = await mint(broker);
    expectViolations(await explainId(key_id, { scope: 'read' }), '');
    expectViolations(await explainId(key_id, { cost: 2 }), '');
    expectViolations(await explainId(key_id, { key }), '');
    expectViolations(await explainId(key_id, { at: 'yesterday' }), 'at');
    expectViolations(await explainId(key_id, { ip: 1 }), 'ip');
    expectViolations(await explainId('flk_short'), 'key_id');
    expectViolations(await explainText(key, { explain: 'yes' }), 'explain');
    expectViolations(await explainText(key, { at: '2030-01-01' }), '');
  });
});

describe('success', () => {
  test('all that is wrong is said at once, with what was asked and what the key has', async () => {
    const { key, key_id } = await mint(broker, { scopes: ['read'], ip_allowlist: ['10.0.0.0/8'] });
    const asked = { scopes: ['write'], ip: '192.0.2.1', environment: 'prod' };
    const { body } = await explainId(key_id, asked);
    expect([body.valid, body.code]).toEqual([false, 'ENVIRONMENT_MISMATCH']);
    expect(failedOf(body)).toEqual(['ENVIRONMENT_MISMATCH', 'IP_NOT_ALLOWED', 'INSUFFICIENT_SCOPE']);
    expect(body.checks).toContainEqual({
      check: 'INSUFFICIENT_SCOPE',
      result: 'failed',
      asked: ['write'],
      has: ['read'],
    });
    expect(withoutTimes((await explainText(key, asked)).body)).toEqual(withoutTimes(body));
    expect(JSON.stringify(body)).not.toContain(key.slice(-38));
  });

  test('a good key is explained with what verification would say of it', async () => {
    const { key, key_id } = await mint(broker, { quota: { limit: 3, period: 'month' } });
    const verdict = await verify(broker, key);
    const { body } = await explainId(key_id, undefined);
    expect(failedOf(body)).toEqual([]);
    expect(body).toMatchObject({ ...verdict, quota: { ...verdict.quota, remaining: 2 } });
  });

  test('it spends nothing and counts nothing', async () => {
    const { key, key_id } = await mint(broker, {
      rate_limit: { limit: 3, window_seconds: 3_600 },
      quota: { limit: 2, period: 'month' },
    });
    for (let call = 0; call < 5; call++) {
      for (const { body } of [
        await explainId(key_id),
        await explainText(key),
        await explainText(key, { cost: 9 }),
      ]) {
        expect([body.rate_limit.remaining, body.quota.remaining]).toEqual([3, 2]);
      }
    }
    expect(failedOf((await explainText(key, { cost: 9 })).body)).toEqual(['RATE_LIMITED', 'QUOTA_EXCEEDED']);
    const counted = /^flowplate_(verdicts|limit_decisions)_total\{.*\} [1-9]/gm;
    const before = (await broker.metrics.registry.metrics()).match(counted);
    await explainId(key_id);
    await explainText(key, { scopes: ['absent'] });
    expect((await broker.metrics.registry.metrics()).match(counted)).toEqual(before);
    await broker.settleUsage();
    const { usage } = (await getKey(broker, key_id)).body;
    expect(usage).toMatchObject({ total_requests: 0, refused_requests: 0, last_used_at: null });
  });

  test('a key that was revoked, or refreshed, says since and by what', async () => {
    const old = await mint(broker);
    const { key_id: superseded_by } = await refreshed(broker, old, { grace_period_seconds: 60 });
    const inGrace = (await explainId(old.key_id)).body;
    expect(inGrace).toMatchObject({ valid: true, code: 'SUPERSEDED', superseded_by });
    const over = new Date(Date.parse(inGrace.superseded_until)).toISOString();
    const after = (await explainId(old.key_id, { at: over })).body;
    expect(after).toMatchObject({ valid: false, code: 'REVOKED' });
    expect(after.checks[2]).toMatchObject({ asked: over, has: { status: 'superseded', superseded_by } });
    await revoke(broker, old.key_id);
    expect((await explainId(old.key_id)).body.code).toBe('REVOKED');
  });

  test('a day means its beginning, and an expiry is judged by it', async () => {
    const { key_id } = await mint(broker, { expires_at: '2999-01-01T00:00:00Z' });
    expect((await explainId(key_id, { at: '2998-12-31' })).body.code).toBe('VALID');
    expect((await explainId(key_id, { at: '2999-01-01' })).body.code).toBe('EXPIRED');
  });

  test('an operator gets the same answer, and other permissions of a master key do not matter', async () => {
    const { key_id } = await mint(broker, { scopes: ['read'] });
    const { headers } = await platformKey(broker, ['role_platform_viewer']);
    const body = { scopes: ['write'] };
    const operator = await broker.call(`POST ${platformPath}/${key_id}/explain`, { as: null, headers, body });
    const backend = await explainId(key_id, body, { as: explainer });
    expect([operator.status, withoutTimes(operator.body)]).toEqual([200, withoutTimes(backend.body)]);
  });

  test('an end that time alone brings is explained before any sweep', async () => {
    const { key_id } = await mint(broker, { ttl_seconds: 60 });
    walkClock(broker, 61 * secondMs);
    expect((await explainId(key_id)).body.code).toBe('EXPIRED');
  });
});
