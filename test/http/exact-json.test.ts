import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes } from '../../src/http/routes.ts';
import { FlowplateClient } from '../../src/sdk/client.ts';
import { firstApiAdmin } from '../support/api-users.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { expectError, expectViolations } from '../support/errors.ts';
import { getKey, keysPath, mint, newOwner, verify } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { bootstrapped, goodPassword } from '../support/platform-users.ts';

type Headers = Record<string, string>;

let broker: TestBroker;
/** By the beginning of a path; the longest that fits counts. */
const callers: [path: string, headers: Headers][] = [];
beforeAll(async () => {
  broker = await startBroker();
  const apiAdmin = { 'x-api-key': (await firstApiAdmin(broker)).key };
  const operator = (await platformKey(broker)).headers;
  const tenant = (await tenantKey(broker, 'org_tenant')).headers;
  const { headers: person, token } = await bootstrapped(broker);
  const page = { 'x-flowplate-portal': '1', origin: broker.url };
  const portal = { ...page, cookie: `flowplate=${token}` };
  callers.push(
    ['/api/v1/platform/session', page],
    ['/api/v1/platform/auth/device/lookup', portal],
    ['/api/v1/platform/auth/device/answer', portal],
    ['/api/v1/platform/bootstrap', tenant],
    ['/api/v1/platform/auth', person],
    ['/api/v1/environments', tenant],
    ['/users/bootstrap', operator],
    ['/v1/flowplate', { 'x-flowplate-master-key': broker.masterKey }],
    ['/users', apiAdmin],
    ['/api/v1', operator],
  );
});
afterAll(() => broker.close());

/** Well-formed ids of nothing. */
const ids: [path: string, id: string][] = [
  ['/api/v1/platform/users/', 'puser_0000000000000000000000'],
  ['/api/v1/platform/roles/', 'role_0000000000000000000000'],
  ['/api/v1/platform/tenants/', 'org_0000000000000000000000'],
  ['/api/v1/platform/master-keys/', 'flm_0000000000000000000000'],
  ['/api/v1/platform/webhooks/', 'whe_0000000000000000000000'],
  ['/api/v1/apikeys/', 'ak_0000000000000000000000'],
  ['/users/', 'nobody'],
  ['/v1/flowplate/verifiers/', '00000000-0000-4000-8000-000000000000'],
  ['/v1/flowplate/api-keys/:key_id', 'flk_0000000000000000000000'],
  ['/api/v1/platform/hidden-keys/:key_id', 'flk_0000000000000000000000'],
  ['/v1/flowplate/jobs/', 'job_0000000000000000000000'],
  ['/api/v1/platform/jobs/', 'job_0000000000000000000000'],
  ['/v1/flowplate/api-keys/:user_id', 'nobody'],
];

// Lines are refused one by one: test/http/user-keys/mint-keys.test.ts. A report of leaks is signed:
// test/http/leaks.
const withJson = routes.filter(
  ({ method, bodyFormat, operationId }) =>
    ['post', 'put', 'patch'].includes(method) && bodyFormat === undefined && operationId !== 'reportLeaks',
);

function sendTo(route: { method: string; path: string }, body: string): Promise<Answer> {
  const [, id = ''] = ids.find(([path]) => route.path.startsWith(path)) ?? [];
  const path = route.path.replaceAll(/:\w+/g, id);
  const [, headers = {}] = callers.find(([beginning]) => path.startsWith(beginning)) ?? [];
  return broker.call(`${route.method.toUpperCase()} ${path}`, { as: null, headers, body });
}

describe('every operation with a JSON body', () => {
  test.each(withJson.map((route): [string, (typeof withJson)[number]] => [route.operationId, route]))(
    '%s refuses a member that stands twice (400), and a number that would be changed (422), each with its path',
    async (_name, route) => {
      const twice = await sendTo(route, '{"reason":"a","inner":[{"x":1,"\\u0078":2}],"reason":"b"}');
      expect(expectError(twice, 400, 'INVALID_JSON')).toEqual([
        { path: 'inner.0.x', message: 'stands twice' },
        { path: 'reason', message: 'stands twice' },
      ]);
      expectViolations(
        await sendTo(route, '{"inner":[{"id":9007199254740993}],"n":1e400}'),
        'inner.0.id',
        'n',
      );
    },
  );
});

/** A mint whose body is `fields` as they are written here, beside a good owner. */
function mintWith(fields: string): Promise<Answer> {
  const { user_id, organization_id } = newOwner();
  return broker.call(`POST ${keysPath}`, {
    body: `{"user_id":"${user_id}","organization_id":"${organization_id}",${fields}}`,
  });
}

describe('a member that stands twice', () => {
  test.each([
    ['scopes', '"scopes":["read"],"scopes":["admin"]'],
    ['scopes', '"scopes":["read"],"s\\u0063opes":["admin"]'],
    ['scopes', '"scopes":["read"],"scopes":["read"]'],
    ['user_id', '"user_id":"usr_other"'],
    ['metadata.plan', '"metadata":{"plan":"free","plan":"gold"}'],
    ['metadata.a.1.b', '"metadata":{"a":[{"b":1},{"b":1,"c":{},"b":2}]}'],
    ['rate_limit.limit', '"rate_limit":{"limit":1,"window_seconds":60,"limit":1000000}'],
  ])('INVALID_JSON at %s: %s', async (path, fields) => {
    const details = expectError(await mintWith(fields), 400, 'INVALID_JSON');
    expect(details).toEqual([{ path, message: 'stands twice' }]);
  });

  test('is refused by verification on its short way and on its long one, and spends nothing', async () => {
    const { key } = await mint(broker, { quota: { limit: 2, period: 'day' } });
    const text = `{"key":"${key}","cost":1,"cost":0}`;
    for (const headers of [{}, { 'content-encoding': 'identity' }] as Headers[]) {
      const answer = await broker.call(`POST ${keysPath}/verify`, { headers, body: text });
      expect(expectError(answer, 400, 'INVALID_JSON')).toEqual([{ path: 'cost', message: 'stands twice' }]);
      expect(JSON.stringify(answer.body)).not.toContain(key);
    }
    const batch = `{"keys":[{"key":"${key}"},{"key":"${key}","key":"x"}]}`;
    const answer = await broker.call(`POST ${keysPath}/verify/batch`, { body: batch });
    expect(expectError(answer, 400, 'INVALID_JSON')).toMatchObject([{ path: 'keys.1.key' }]);
    expect(await verify(broker, key)).toMatchObject({ quota: { remaining: 1 } });
  });

  test('a name that is a secret is not repeated', async () => {
    const { key } = await mint(broker);
    const answer = await broker.call(`POST ${keysPath}`, { body: `{"${key}":1,"${key}":2}` });
    expectError(answer, 400, 'INVALID_JSON');
    expect(JSON.stringify(answer.body)).not.toContain(key.slice(-38));
  });
});

describe('a number that would be kept as another', () => {
  test.each([
    ['metadata.id', '"metadata":{"id":1546130668394913822}'],
    ['metadata.a.0.b', '"metadata":{"a":[{"b":-9007199254740993}]}'],
    ['metadata.x', '"metadata":{"x":1e400}'],
    ['metadata.x', '"metadata":{"x":1e-400}'],
    ['metadata.x', '"metadata":{"x":0.12345678901234567890}'],
    ['ttl_seconds', '"ttl_seconds":86400.00000000000001'],
    ['quota.limit', '"quota":{"limit":1e400,"period":"day"}'],
  ])('VALIDATION_ERROR at %s: %s', async (path, fields) => {
    const answer = await mintWith(fields);
    expectViolations(answer, path);
    expect(answer.body.error.details[0].message).toMatch(/would be changed|expected/);
    const { key_id } = await mint(broker);
    const patched = await broker.call(`PATCH ${keysPath}/${key_id}`, { body: `{${fields}}` });
    if (!fields.includes('ttl')) expectViolations(patched, path);
  });

  test('what is the same number in another spelling is kept', async () => {
    const answer = await mintWith(
      '"metadata":{"one":1.0,"thousand":1e3,"tenth":0.1,"sum":0.30000000000000004,"big":1e300,"safe":9007199254740991,"zero":-0.0}',
    );
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    const { metadata } = (await getKey(broker, answer.body.key_id)).body;
    const kept = { one: 1, thousand: 1_000, tenth: 0.1, sum: 0.30000000000000004, big: 1e300 };
    expect(metadata).toEqual({ ...kept, safe: Number.MAX_SAFE_INTEGER, zero: 0 });
  });

  test('a password without quotes is not repeated', async () => {
    const answer = await broker.call('POST /api/v1/platform/auth/login', {
      as: null,
      body: `{"email":"root@example.com","password":12345678901234567890123}`,
    });
    expectViolations(answer, 'password');
    expect(JSON.stringify(answer.body)).not.toMatch(/1\.?234567/);
    expect(goodPassword).not.toMatch(/1234567/);
  });
});

/** As Python's json.dumps writes it. */
function toAscii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

describe('a name in metadata comes back as it was sent, from the answer, Postgres, Redis and memory', () => {
  // Postgres puts members into the order of their lengths and bytes; in each pair they stand in it
  // already.
  test.each([
    ['A', 'größe'],
    ['B', 'say "hi"'],
    ['C', 'C:\\new'],
    ['D', 'tab\there'],
    ['E', 'line\nfeed'],
    ['!', '"'],
    ['F', 'plain'],
    ['G', 'a/b'],
    ['H', '\u{1f511}'],
  ])('%s, %j', async (first, name) => {
    // The runtime takes an escaped name for this one, once it has seen it after the same first
    // member.
    const mistaken = toAscii(name).slice(1, 1 + name.length);
    await mint(broker, { metadata: { [first]: 0, [mistaken]: 0 } });
    const metadata = { [first]: 0, [name]: 1 };
    const answer = await mintWith(`"metadata":${toAscii(metadata)}`);
    const { key, key_id } = answer.body;
    expect(answer.body.metadata).toEqual(metadata);
    expect((await getKey(broker, key_id)).body.metadata).toEqual(metadata);
    expect((await verify(broker, key)).metadata).toEqual(metadata);
    expect((await verify(broker, key)).metadata).toEqual(metadata);
    const replica = await broker.replica();
    expect((await verify(replica, key)).metadata).toEqual(metadata);
    await replica.close();
    const client = new FlowplateClient({ baseUrl: broker.url, masterKey: broker.masterKey });
    expect((await client.get(key_id)).metadata).toEqual(metadata);
  });
});
