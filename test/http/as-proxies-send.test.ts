import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idPrefixes } from '../../src/domain/ids.ts';
import { routes } from '../../src/http/routes.ts';
import { apiMetrics } from '../../src/metrics/api-metrics.ts';
import { metricsServer } from '../../src/metrics/metrics-server.ts';
import { listen } from '../../src/process/serve-http.ts';
import { firstApiAdmin } from '../support/api-users.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { keysPath, type Minted, mint, verify } from '../support/keys.ts';
import { platformKey, tenantKey } from '../support/platform-callers.ts';
import { bootstrapped } from '../support/platform-users.ts';
import { sendRaw, statusesOf } from '../support/raw-request.ts';

let broker: TestBroker;
let minted: Minted;
/** One line of head for each kind of credential. */
let credentials: Record<'masterKey' | 'operator' | 'tenant' | 'apiUser' | 'portal', string>;
beforeAll(async () => {
  broker = await startBroker();
  minted = await mint(broker);
  // From memory from here on, so that no look-up runs into forward auth's deadline.
  await verify(broker, minted.key);
  credentials = {
    masterKey: `x-flowplate-master-key: ${broker.masterKey}`,
    operator: `Authorization: Bearer ${(await platformKey(broker)).secret}`,
    tenant: `Authorization: Bearer ${(await tenantKey(broker, 'org_tenant')).secret}`,
    apiUser: `X-API-Key: ${(await firstApiAdmin(broker)).key}`,
    portal: `Cookie: __Host-flowplate=${(await bootstrapped(broker)).token}\r\nSec-Fetch-Site: same-origin\r\nX-Flowplate-Portal: 1`,
  };
});
afterAll(() => broker.close());

/** Of nothing, in the shape of each kind of id. */
const ids = [...Object.values(idPrefixes).map((prefix) => `${prefix}0000000000000000000000`), randomUUID()];

/** The method and path of a route, with ids that get as far as its body. */
function operationOf({ method, path, params }: (typeof routes)[number]): string {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const fits = (id: string) => params.safeParse(Object.fromEntries(names.map((name) => [name, id]))).success;
  const id = ids.find(fits);
  if (id === undefined) throw new Error(`no id fits ${path}`);
  return `${method.toUpperCase()} ${path.replaceAll(/:\w+/g, id)}`;
}

const operations = routes.map(operationOf);
const doorPath = '/v1/flowplate/authz';

function credentialFor(operation: string): string {
  const { schemes = [] } = routes[operations.indexOf(operation)]?.access ?? {};
  if (schemes.includes('masterKey')) return credentials.masterKey;
  if (schemes.includes('bearer'))
    return schemes.includes('apiKey') ? credentials.tenant : credentials.operator;
  return schemes.includes('session') ? credentials.portal : credentials.apiUser;
}

/** The answer to one request with these lines behind its first. */
function send(target: string, lines: readonly string[], body = ''): Promise<string> {
  const head = [`${target} HTTP/1.1`, ...lines, 'Connection: close', '', body];
  return sendRaw(broker.url, head.join('\r\n'));
}

const statusOf = async (...request: Parameters<typeof send>) => statusesOf(await send(...request))[0];

const noByte = '0\r\n\r\n';
const chunked = 'Transfer-Encoding: chunked';
const host = 'Host: broker';

describe('Transfer-Encoding: chunked without a byte is no body', () => {
  // A report of leaks is signed with its body, so without one nobody is known.
  const unsigned = operations.filter((operation) => operation !== 'POST /v1/flowplate/leaks');
  test.each(unsigned)('%s', { timeout: 15_000 }, async (operation) => {
    const lines = [host, credentialFor(operation)];
    const plain = await statusOf(operation, lines);
    expect(plain).not.toBe(401);
    expect(await statusOf(operation, [...lines, chunked], noByte)).toBe(plain);
  });

  test('a key is read, refreshed and revoked', async () => {
    const { user_id, organization_id } = await mint(broker);
    const lines = [host, credentials.masterKey, chunked];
    const owner = `${keysPath}/${user_id}/${organization_id}`;
    expect(await statusOf(`GET ${keysPath}`, lines, noByte)).toBe(200);
    expect(await statusOf(`POST ${owner}/refresh`, lines, noByte)).toBe(200);
    expect(await send(`DELETE ${owner}`, lines, noByte)).toContain('"revoked_count":1');
  });

  test('415: with the first byte comes the question for its type, and what follows is no request', async () => {
    const lines = [host, credentials.masterKey, chunked];
    const body = `2\r\n{}\r\n${noByte}`;
    for (const type of ['Content-Type: text/plain', 'X-No-Type: x']) {
      expect(await statusOf(`DELETE ${keysPath}/${minted.key_id}`, [...lines, type], body)).toBe(415);
    }
    expect((await verify(broker, minted.key)).code).toBe('VALID');
  });
});

describe('a PATCH', () => {
  const types = ['application/json', 'Application/Merge-Patch+JSON; charset=utf-8'];

  test.each(operations.filter((operation) => operation.startsWith('PATCH ')))(
    'takes a JSON merge patch, and 415 says so: %s',
    async (operation) => {
      const patch = (type: string) =>
        send(operation, [host, credentialFor(operation), `Content-Type: ${type}`, 'Content-Length: 2'], '{}');
      for (const type of types) expect(statusesOf(await patch(type))).toEqual([422]);
      const refused = await patch('text/plain');
      expect(statusesOf(refused)).toEqual([415]);
      expect(refused).toMatch(/^accept-patch: application\/json, application\/merge-patch\+json\r$/im);
    },
  );
});

describe('an absolute-form target is the same request (RFC 9112 §3.2.2)', () => {
  const absolute = (target: string, base = 'http://broker') => target.replace(' ', ` ${base}`);

  test.each([
    ...operations,
    'GET /health/live',
    'GET /openapi.json',
    'GET /docs',
    'GET /platform/login',
    'GET /nowhere',
    'GET /Users',
    'GET /v1/flowplate/api-keys/',
  ])('%s', { timeout: 15_000 }, async (operation) => {
    const lines = [host, credentialFor(operation)];
    const status = await statusOf(operation, lines);
    expect(await statusOf(absolute(operation), lines)).toBe(status);
    expect(await statusOf(absolute(operation, 'HTTPS://Broker.internal:9123'), lines)).toBe(status);
  });

  test('a verification, by JSON and by forward auth', async () => {
    const lines = [host, credentials.masterKey, `X-API-Key: ${minted.key}`];
    expect(await statusOf(`GET http://broker.internal${doorPath}`, lines)).toBe(200);
    expect(await statusOf(`GET http://broker.internal${doorPath}/x//../y?deny=403`, lines)).toBe(200);
    expect(await statusOf(`GET http://broker.internal${doorPath}?deny=403`, [host])).toBe(401);
    const body = JSON.stringify({ key: minted.key });
    const json = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    const verified = await send(
      `POST http://broker.internal${keysPath}/verify`,
      [host, credentials.masterKey, ...json],
      body,
    );
    expect(verified).toContain('"code":"VALID"');
  });

  test('the metrics', async () => {
    const server = metricsServer(() => apiMetrics().registry.metrics());
    const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
    const get = async (target: string) =>
      statusesOf(await sendRaw(url, `GET ${target} HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`));
    expect(await get('http://broker/metrics')).toEqual([200]);
    expect(await get('http://broker/health/live')).toEqual([200]);
    expect(await get('http://broker/Metrics')).toEqual([404]);
    server.close();
  });

  test.each([
    'GET http://user@broker/openapi.json',
    'GET http:///openapi.json',
    'GET ftp://broker/openapi.json',
    'GET http://broker//openapi.json',
    'GET http://broker/x/../openapi.json',
  ])('404: %s', async (target) => {
    expect(await statusOf(target, [host])).toBe(404);
  });

  test.each(['GET http://broker', 'GET http://broker?/openapi.json'])(
    '302, to the portal: %s',
    async (target) => {
      expect(await statusOf(target, [host])).toBe(302);
    },
  );
});

describe('two Host headers are 400, and nothing behind them is answered', () => {
  test.each([
    `GET ${doorPath}`,
    `POST ${keysPath}/verify`,
    `POST ${keysPath}/verify/batch`,
    'POST /api/v1/platform/auth/login',
    `DELETE ${keysPath}/user/usr_1`,
    'GET /health/live',
    'GET /docs',
    'GET /platform/',
    'GET http://broker/users',
  ])('%s', async (target) => {
    for (const second of ['Host: other', 'hOST: broker']) {
      const next = `GET ${keysPath} HTTP/1.1\r\n${host}\r\n\r\n`;
      const head = [`${target} HTTP/1.1`, host, credentials.masterKey, second];
      const received = await sendRaw(broker.url, `${head.join('\r\n')}\r\n\r\n${next}`);
      expect(statusesOf(received)).toEqual([400]);
      expect(received).toMatch(/^connection: close\r$/im);
      expect(received).toContain('"INVALID_REQUEST"');
    }
  });
});

describe('Content-Encoding', () => {
  const post = (coding: string) => {
    const body = JSON.stringify({ key: minted.key });
    const lines = ['Content-Type: application/json', `Content-Length: ${body.length}`, coding];
    return statusOf(`POST ${keysPath}/verify`, [host, credentials.masterKey, ...lines], body);
  };

  test.each(['identity', 'Identity', 'IDENTITY', 'identity, identity', ''])('%j is none', async (coding) => {
    expect(await post(`Content-Encoding: ${coding}`)).toBe(200);
  });

  test.each(['gzip', 'identity, gzip', 'GZIP, identity', 'x-identity'])('415: %j', async (coding) => {
    expect(await post(`Content-Encoding: ${coding}`)).toBe(415);
  });
});
