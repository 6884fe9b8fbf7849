import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testAccess } from '../../support/access.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import type { CallOptions } from '../../support/call.ts';
import { bytesOf, expectError, expectViolations } from '../../support/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { keysPath, mint, revoke, verify } from '../../support/keys.ts';
import { testOperatorAccess } from '../../support/platform-access.ts';
import { platformKey, tenantKey } from '../../support/platform-callers.ts';
import { dayMs, walkClock } from '../../support/walk-clock.ts';
import { knockWith } from '../verify/door.ts';

const neverExisted = 'flk_0000000000000000000000';
const platformPath = '/api/v1/platform';

let broker: TestBroker;
let gateway: { id: string; secret: string };
let operator: Record<string, string>;
beforeAll(async () => {
  broker = await startBroker();
  gateway = await broker.createMasterKey({ permissions: ['keys:verify'] });
  operator = (await platformKey(broker, ['role_platform_viewer'])).headers;
});
afterAll(() => broker.close());

const asOperator = (operation: string) => broker.call(operation, { as: null, headers: operator });
const refusalsOf = (keyId: string, options: CallOptions = {}) =>
  broker.call(`GET ${keysPath}/${keyId}/refusals`, options);
const flushed = () => broker.api.flushUsage();
const codesOf = async (keyId: string) =>
  (await refusalsOf(keyId)).body.data.map(({ code }: { code: string }) => code);

testAccess(() => broker, `GET ${keysPath}/${neverExisted}/refusals`, 'keys:explain');
describe.each([
  `GET ${platformPath}/hidden-keys/${neverExisted}/refusals`,
  `GET ${platformPath}/refusals?request_id=x`,
])('%s', (operation) => {
  testOperatorAccess(() => broker, operation, { may: 'role_platform_viewer' });
});

describe('404 and 422', () => {
  test('a key outside the allow-lists looks exactly like one that never existed', async () => {
    const { key, key_id } = await mint(broker);
    await verify(broker, key, { scopes: ['absent'] });
    await flushed();
    expectError(await refusalsOf(neverExisted), 404, 'KEY_NOT_FOUND');
    for (const request of [{ organizationIds: ['org_other'] }, { environments: ['prod'] }]) {
      const { secret: as } = await broker.createMasterKey(request);
      expect(bytesOf(await refusalsOf(key_id, { as }))).toBe(bytesOf(await refusalsOf(neverExisted, { as })));
    }
    expectError(
      await asOperator(`GET ${platformPath}/hidden-keys/${neverExisted}/refusals`),
      404,
      'KEY_NOT_FOUND',
    );
  });

  test('an id that is none, a query that is not known, and a request without an id', async () => {
    expectViolations(await refusalsOf('flk_short'), 'key_id');
    expectViolations(await refusalsOf(`${neverExisted}/refusals?limit=5`.replace('/refusals?', '?')), '');
    expectViolations(await asOperator(`GET ${platformPath}/refusals`), 'request_id');
    expectViolations(await asOperator(`GET ${platformPath}/refusals?request_id=a%20b`), 'request_id');
    expectViolations(await asOperator(`GET ${platformPath}/refusals?request_id=x&key_id=y`), '');
  });
});

describe('success', () => {
  test('each way to verify leaves when, why, where, through whom and for which address', async () => {
    const { key, key_id } = await mint(broker, { ip_allowlist: ['10.0.0.0/8'] });
    const headers = (name: string) => ({ 'x-request-id': name });
    const body = { key, ip: '192.0.2.1:4711' };
    const as = gateway.secret;
    await broker.call(`POST ${keysPath}/verify`, { as, body, headers: headers('one') });
    await broker.call(`POST ${keysPath}/verify`, {
      as,
      body,
      headers: { ...headers('two'), accept: 'text/html, */*' },
    });
    await broker.call(`POST ${keysPath}/verify/batch`, {
      as,
      body: { keys: [body] },
      headers: headers('three'),
    });
    await knockWith(
      broker,
      { key },
      { 'x-forwarded-for': '10.0.0.1, [2001:DB8::7]:1', ...headers('four') },
      { as },
    );
    await broker.call('POST /v1/flowplate/introspect', {
      as,
      body: `token=${key}`,
      headers: { ...headers('five'), 'content-type': 'application/x-www-form-urlencoded' },
    });
    await flushed();
    const { data, next_cursor } = (await refusalsOf(key_id)).body;
    const common = { at: expect.any(String), code: 'IP_NOT_ALLOWED', master_key_id: gateway.id };
    const expected = [
      { ...common, endpoint: 'introspect', request_id: 'five', ip: null },
      { ...common, endpoint: 'authz', request_id: 'four', ip: '2001:db8::7' },
      { ...common, endpoint: 'batch', request_id: 'three', ip: '192.0.2.1' },
      { ...common, endpoint: 'verify', request_id: 'two', ip: '192.0.2.1' },
      { ...common, endpoint: 'verify', request_id: 'one', ip: '192.0.2.1' },
    ];
    expect([data, next_cursor]).toStrictEqual([expected, null]);
    const seen = await asOperator(`GET ${platformPath}/hidden-keys/${key_id}/refusals`);
    expect([seen.status, seen.body]).toEqual([200, data]);
    const found = await asOperator(`GET ${platformPath}/refusals?request_id=four`);
    expect(found.body).toStrictEqual([{ key_id, ...data[1] }]);
    expect(JSON.stringify([seen.body, found.body])).not.toContain(key.slice(-38));
  });

  test('a refusal is found by the trace id that the end client was told, within ten seconds', async () => {
    const client = await mint(broker, { rate_limit: { limit: 1, window_seconds: 3_600 } });
    await knockWith(broker, client);
    const { body, status } = await knockWith(broker, client);
    expect(status).toBe(429);
    const found = await eventually(
      10_000,
      () => asOperator(`GET ${platformPath}/refusals?request_id=${body.trace_id}`),
      ({ body: refusals }) => refusals.length > 0,
    );
    expect(found.body).toMatchObject([{ key_id: client.key_id, code: 'RATE_LIMITED', endpoint: 'authz' }]);
    expect((await asOperator(`GET ${platformPath}/refusals?request_id=${body.trace_id}0`)).body).toEqual([]);
  });

  test('the last 20 are kept, those of several processes together, for seven days', async () => {
    const { key, key_id } = await mint(broker);
    const replica = await broker.replica();
    await revoke(broker, key_id);
    for (let call = 0; call < 15; call++) {
      for (const by of [broker, replica]) await verify(by, key, { ip: `192.0.2.${call}` });
    }
    await flushed();
    await replica.api.flushUsage();
    const { data } = (await refusalsOf(key_id)).body;
    expect(data).toHaveLength(20);
    expect(data.map(({ at }: { at: string }) => at)).toEqual(
      data
        .map(({ at }: { at: string }) => at)
        .toSorted()
        .reverse(),
    );
    await replica.close();
    walkClock(broker, 7 * dayMs - 60_000);
    expect((await refusalsOf(key_id)).body.data).toHaveLength(20);
    walkClock(broker, 120_000);
    expect((await refusalsOf(key_id)).body.data).toEqual([]);
  });

  test('an acceptance, an explanation and a verdict on a key that does not exist leave nothing', async () => {
    const { key, key_id } = await mint(broker);
    const { secret: narrow } = await broker.createMasterKey({ organizationIds: ['org_other'] });
    await verify(broker, key);
    await verify(broker, key, { scopes: ['absent'], explain: true });
    await verify(broker, key, {}, { as: narrow });
    await verify(broker, key.slice(0, -1));
    const ofTenant = await tenantKey(broker, 'org_of_refusals', { expiresAt: new Date(Date.now() - 1) });
    await broker.call(`POST ${keysPath}/verify`, {
      body: { key: ofTenant.secret },
      headers: { 'x-request-id': 'tenant' },
    });
    await flushed();
    expect(await codesOf(key_id)).toEqual([]);
    expect((await asOperator(`GET ${platformPath}/refusals?request_id=tenant`)).body).toEqual([]);
  });

  test('while Redis is away they cannot be read, verification goes on, and later ones are kept', async () => {
    const apart = await broker.replica({ REDIS_URL: 'redis://127.0.0.1:1/0' });
    const { key, key_id } = await mint(broker);
    expect((await verify(apart, key, { scopes: ['absent'] })).code).toBe('INSUFFICIENT_SCOPE');
    await sleep(2_200);
    expectError(await apart.call(`GET ${keysPath}/${key_id}/refusals`), 503, 'DEPENDENCY_UNAVAILABLE');
    await apart.close();
    await verify(broker, key, { scopes: ['absent'] });
    await flushed();
    expect(await codesOf(key_id)).toEqual(['INSUFFICIENT_SCOPE']);
  });
});
