import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newApiKeySecret, newSecret } from '../../src/domain/key-format.ts';
import { listen } from '../../src/process/serve-http.ts';
import { FlowplateUndecidedError } from '../../src/sdk/errors.ts';
import { flowplateExpress, identityHeaders, verdictOf } from '../../src/sdk/express.ts';
import type { Demands } from '../../src/sdk/gate.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint, refreshed, revoke, update } from '../support/keys.ts';
import { setStatus } from '../support/organization-status.ts';
import { askGateway, refusalOf } from './ask-gateway.ts';
import { type Embedded, embed, warm } from './embedded.ts';
import { newLink } from './link.ts';

let broker: TestBroker;
let verifier: Embedded;
let gateway: string;
beforeAll(async () => {
  broker = await startBroker();
  verifier = await embed(broker);
  gateway = await startGateway(verifier);
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

/** A gateway with one open path and one behind the middleware, which echoes whose request it is. */
async function startGateway(by: Embedded, demands: Demands = {}): Promise<string> {
  const app = express();
  app.disable('x-powered-by');
  app.get('/open', (req, res) => {
    let said = 'nobody';
    try {
      said = verdictOf(req).user_id;
    } catch (error) {
      said = (error as Error).name;
    }
    res.send(said);
  });
  app.use(flowplateExpress(by, { demands }));
  app.use((req, res) => {
    res.json({ identity: identityHeaders(verdictOf(req)), metadata: verdictOf(req).metadata });
  });
  const server = createServer(app);
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  return `http://127.0.0.1:${port}/upstream`;
}

/** Answer of Flowplate's own forward auth to the same request. */
const door = (headers: readonly string[]) =>
  askGateway(`${broker.url}/v1/flowplate/authz`, ['x-flowplate-master-key', broker.masterKey, ...headers]);

describe('a request that is let in', () => {
  test.each([
    ['X-API-Key', (key: string) => ['X-API-Key', key]],
    ['Authorization: Bearer', (key: string) => ['Authorization', `Bearer ${key}`]],
    ['a lower-case scheme', (key: string) => ['authorization', `bearer   ${key}`]],
    ['the same key twice', (key: string) => ['X-API-Key', key, 'Authorization', `Bearer ${key}`]],
    ['another scheme beside it', (key: string) => ['X-API-Key', key, 'Authorization', 'Basic eDp5']],
  ])('brings its key in %s', async (_name, toHeaders) => {
    const { key, key_id, user_id, organization_id } = await mint(broker, {
      scopes: ['read', 'write'],
      metadata: { plan: 'gold' },
    });
    const [answer, asked] = [await askGateway(gateway, toHeaders(key)), await door(toHeaders(key))];
    expect([answer.status, asked.status]).toEqual([200, 200]);
    const { identity, metadata } = JSON.parse(answer.body);
    expect(identity).toEqual({
      'x-flowplate-user-id': user_id,
      'x-flowplate-organization-id': organization_id,
      'x-flowplate-key-id': key_id,
      'x-flowplate-environment': 'test',
      'x-flowplate-scopes': 'read write',
    });
    for (const [name, value] of Object.entries(identity)) expect(asked.headers[name]).toBe(value);
    expect(metadata).toEqual({ plan: 'gold' });
  });

  test('is answered from memory once memory knows the key', async () => {
    const link = newLink();
    const watched = await embed(broker, { fetch: link.fetch });
    const url = await startGateway(watched);
    const { key } = await mint(broker);
    await warm(watched, key);
    const before = link.asked('/records');
    for (let call = 0; call < 20; call++)
      expect((await askGateway(url, ['X-API-Key', key])).status).toBe(200);
    expect([link.asked('/records'), link.asked('/api-keys/verify')]).toEqual([before, 0]);
  });

  test('by a key in its grace says since when it has a successor and when it stops, as the door does', async () => {
    const old = await mint(broker);
    await refreshed(broker, old, { grace_period_seconds: 60 });
    await warm(verifier, old.key);
    const asked = await door(['X-API-Key', old.key]);
    const { headers } = await askGateway(gateway, ['X-API-Key', old.key]);
    expect(headers.deprecation).toMatch(/^@\d{10}$/);
    expect([headers.deprecation, headers.sunset]).toEqual([asked.headers.deprecation, asked.headers.sunset]);
    expect(await verifier.verify({ key: old.key })).toMatchObject({
      superseded_by: expect.stringMatching(/^flk_/),
    });
  });

  test('of a limited key says what is left of it', async () => {
    const { key } = await mint(broker, { rate_limit: { limit: 5, window_seconds: 60 } });
    const { status, headers } = await askGateway(gateway, ['X-API-Key', key]);
    expect([status, headers['ratelimit-policy']]).toEqual([200, '"rate";q=5;w=60']);
    expect(headers.ratelimit).toMatch(/^"rate";r=4;t=\d+$/);
  });
});

test('a refusal from memory is one of the last of its key, under the id that the client was told', async () => {
  const { key, key_id } = await mint(broker, { ip_allowlist: ['10.0.0.0/8'] });
  await warm(verifier, key);
  const { headers } = await askGateway(gateway, ['X-API-Key', key]);
  const requestId = headers['x-request-id'];
  const isKept = ({ body }: Answer) =>
    body.data.some((refusal: { request_id: string }) => refusal.request_id === requestId);
  const path = `GET ${keysPath}/${key_id}/refusals`;
  const { body } = await eventually(10_000, () => broker.call(path), isKept);
  expect(body.data.find((refusal: { request_id: string }) => refusal.request_id === requestId)).toMatchObject(
    {
      code: 'IP_NOT_ALLOWED',
      endpoint: 'embedded',
      ip: '127.0.0.1',
    },
  );
  expect(verifier.faults).toEqual([]);
});

test('a broker of an earlier release, which takes no refusals, does not disturb the verifier', async () => {
  const link = newLink();
  const watched = await embed(broker, {
    fetch: (url, init) => link.fetch(String(url).replace(/\/refusals$/, '/not-there'), init),
  });
  const { key } = await mint(broker, { ip_allowlist: ['10.0.0.0/8'] });
  expect((await watched.verify({ key })).code).toBe('IP_NOT_ALLOWED');
  await eventually(
    10_000,
    async () => link.asked('/not-there'),
    (asked) => asked > 0,
  );
  expect([(await watched.verify({ key })).code, watched.faults]).toEqual(['IP_NOT_ALLOWED', []]);
});

describe("a request that is kept out gets the answer that Flowplate's own door gives", () => {
  const unknown = newSecret('user', 'test', randomBytes);

  test.each([
    ['without a key', []],
    ['with another scheme only', ['Authorization', 'Basic eDp5']],
    ['with an empty key', ['X-API-Key', '']],
    ['with an empty bearer', ['Authorization', 'Bearer']],
    ['with two keys', ['X-API-Key', unknown, 'Authorization', 'Bearer other']],
    ['with two keys in two lines', ['X-API-Key', unknown, 'X-API-Key', 'other']],
    ['with a list of keys', ['X-API-Key', `${unknown}, ${unknown}`]],
    ['with something that is no key', ['X-API-Key', 'hello']],
    ['with an unknown key', ['X-API-Key', unknown]],
    ['with a master key', ['X-API-Key', newSecret('master', 'test', randomBytes)]],
  ])('%s', async (_name, headers) => {
    const [answer, asked] = [await askGateway(gateway, headers), await door(headers)];
    expect(refusalOf(answer)).toEqual(refusalOf(asked));
    expect(answer.status).toBe(401);
  });

  test('with a key that is revoked, disabled, of a suspended organization, or of another address', async () => {
    const [revoked, disabled, suspended, elsewhere] = [
      await mint(broker),
      await mint(broker),
      await mint(broker),
      await mint(broker, { ip_allowlist: ['10.0.0.0/8'] }),
    ];
    await revoke(broker, revoked.key_id);
    await update(broker, disabled.key_id, { enabled: false });
    await setStatus(broker, suspended.organization_id, 'suspended');
    const statuses: number[] = [];
    for (const { key } of [revoked, disabled, suspended, elsewhere]) {
      const headers = ['X-API-Key', key, 'X-Forwarded-For', '127.0.0.1'];
      const [answer, asked] = [await askGateway(gateway, headers), await door(headers)];
      expect(refusalOf(answer)).toEqual(refusalOf(asked));
      statuses.push(answer.status);
    }
    expect(statuses).toEqual([401, 401, 403, 403]);
  });

  test('with a key that lacks a scope which the route demands', async () => {
    const url = await startGateway(verifier, { scopes: ['admin'] });
    const { key } = await mint(broker, { scopes: ['read'] });
    const asked = await door(['X-API-Key', key, 'x-flowplate-required-scopes', 'admin']);
    const answer = await askGateway(url, ['X-API-Key', key]);
    expect(refusalOf(answer)).toEqual(refusalOf(asked));
    expect(answer.status).toBe(403);
  });

  test('over its limit', async () => {
    const { key } = await mint(broker, {
      rate_limit: { limit: 1, window_seconds: 600 },
      quota: { limit: 9, period: 'day' },
    });
    await askGateway(gateway, ['X-API-Key', key]);
    const [answer, asked] = [await askGateway(gateway, ['X-API-Key', key]), await door(['X-API-Key', key])];
    expect(refusalOf(answer)).toEqual(refusalOf(asked));
    expect(answer.status).toBe(429);
    expect(answer.headers['ratelimit-policy']).toBe(asked.headers['ratelimit-policy']);
    for (const { headers } of [answer, asked]) expect(Number(headers['retry-after'])).toBeGreaterThan(500);
  });

  test('when nobody can tell: 503, and soon again', async () => {
    const link = newLink();
    const cut = await embed(broker, { fetch: link.fetch });
    const url = await startGateway(cut);
    const { key } = await mint(broker);
    link.cut();
    const answer = await askGateway(url, ['X-API-Key', key]);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.headers['x-flowplate-code']).toBe('unavailable');
    expect((await askGateway(url, [])).status).toBe(401);
  });
});

test('what a route demands may follow from its request, and so may the address', async () => {
  const app = express();
  app.use(
    flowplateExpress<express.Request>(verifier, {
      demands: (req) => ({ organization_id: req.path.slice(1) }),
      readAddress: (req) => req.get('x-client'),
    }),
    (_req, res) => void res.end('in'),
  );
  const server = createServer(app);
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  atEnd(() => void server.close());
  const { key, organization_id } = await mint(broker, { ip_allowlist: ['10.0.0.0/8'] });
  const statuses = await Promise.all([
    askGateway(`${url}/${organization_id}`, ['X-API-Key', key, 'x-client', '10.1.2.3']),
    askGateway(`${url}/${organization_id}`, ['X-API-Key', key, 'x-client', '11.1.2.3']),
    askGateway(`${url}/org_other`, ['X-API-Key', key, 'x-client', '10.1.2.3']),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([200, 403, 403]);
});

test('a path that is not behind the middleware knows nobody', async () => {
  const { key } = await mint(broker);
  const { body } = await askGateway(gateway.replace('/upstream', '/open'), ['X-API-Key', key]);
  expect(body).toBe('Error');
});

test("a request id of the client's is kept when it is safe, and no secret ever is one", async () => {
  const ids: Array<[sent: string, isKept: boolean]> = [
    ['trace-1', true],
    ['a b', false],
    ['eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl', false],
    ...everySecret().map((secret): [string, boolean] => [secret, false]),
    ...everySecret().map((secret): [string, boolean] => [`trace-${secret}`, false]),
  ];
  for (const [sent, isKept] of ids) {
    const { headers, body } = await askGateway(gateway, ['x-request-id', sent]);
    expect(headers['x-request-id'] === sent, sent).toBe(isKept);
    expect(body.includes(sent), sent).toBe(isKept);
  }
});

/** One secret of each kind. */
function everySecret(): string[] {
  const naming = (['user', 'master'] as const).map((kind) => newSecret(kind, 'test', randomBytes));
  const others = (['tenant', 'platform', 'apiUser'] as const).map((kind) =>
    newApiKeySecret(kind, randomBytes),
  );
  return [...naming, ...others];
}

test('a refusal that comes after the application has answered is left out, and ends nothing', async () => {
  let refuse: (error: Error) => void = () => undefined;
  const verdict = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  const late = { verifyNow: () => undefined, verify: () => verdict, nowMs: () => Date.now() };
  const app = express();
  app.use((_req, res, next) => {
    next();
    res.status(504).end('too late');
  });
  app.use(flowplateExpress(late));
  const server = createServer(app);
  const port = await listen(server, 0, '127.0.0.1');
  atEnd(() => void server.close());
  const key = newSecret('user', 'test', randomBytes);
  const answer = await askGateway(`http://127.0.0.1:${port}/`, ['X-API-Key', key]);
  expect(answer.status).toBe(504);
  // Unhandled, it would end this process.
  refuse(new FlowplateUndecidedError('the broker is away'));
  await new Promise(setImmediate);
});
