import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { doorPath } from '../http/verify/door.ts';
import { type Question, verdictCases } from '../http/verify/verdict-cases.ts';
import { endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint } from '../support/keys.ts';
import {
  type StartedLocalVerifier,
  startLocalVerifier,
  untilLeaseIsHeld,
} from '../support/local-verifier.ts';
import { comparable, exchange, type Got, type Sent, type Target } from './exchange.ts';

let broker: TestBroker;
let local: StartedLocalVerifier;
let plain: string;
let limited: string;
beforeAll(async () => {
  broker = await startBroker();
  local = await startLocalVerifier({ brokers: [broker.url], masterKey: broker.masterKey });
  await untilLeaseIsHeld(local);
  ({ key: plain } = await mint(broker, { scopes: ['read'], metadata: { plan: 'gold' } }));
  ({ key: limited } = await mint(broker, { rate_limit: { limit: 1_000, window_seconds: 3_600 } }));
});
afterAll(async () => {
  await endAll();
  await broker.close();
});

type Line = readonly [name: string, value: string];

const asGateway = (): Line => ['x-flowplate-master-key', broker.masterKey];
const authz = (headers: readonly Line[], rest: Partial<Sent> = {}): Sent => ({
  path: doorPath,
  headers: [asGateway(), ...headers],
  ...rest,
});
const json = (body: unknown, { path = `${keysPath}/verify`, headers = [] as readonly Line[] } = {}): Sent => {
  const text = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const length: Line = ['Content-Length', String(Buffer.byteLength(text))];
  const sent: Line[] = [asGateway(), ['Content-Type', 'application/json'], ...headers, length];
  return { method: 'POST', path, headers: sent, body: text };
};
const batch = (keys: unknown) => json({ keys }, { path: `${keysPath}/verify/batch` });

/** A busy machine may miss the deadline of forward auth. */
function decided(target: Target, sent: Sent): Promise<Got> {
  return eventually(
    10_000,
    () => exchange(target, sent),
    ({ status }) => status !== 503,
  );
}

/** The API's answer, and the local verifier's: asked first, from memory, and on its own socket. */
async function expectSame(sent: Sent): Promise<Got> {
  const { url, socketPath } = local;
  const of = async (target: Target, request: Sent) => comparable(await decided(target, request));
  const [byApi, first, again] = [await of(broker, sent), await of({ url }, sent), await of({ url }, sent)];
  expect(first).toEqual(byApi);
  expect(again).toEqual(byApi);
  if (areAsGateway(sent)) {
    const headers = sent.headers?.filter(([name]) => name !== 'x-flowplate-master-key') ?? [];
    expect(await of({ socketPath }, { ...sent, headers })).toEqual(byApi);
  }
  return byApi;
}

/** Whether the only credential of a gateway is the one that its own socket does without. */
function areAsGateway({ headers = [] }: Sent): boolean {
  const of = (wanted: string) => headers.filter(([name]) => name === wanted).map(([, value]) => value);
  return of('x-flowplate-master-key').join() === broker.masterKey && !of('X-API-Key').includes(otherGateway);
}

describe.each(verdictCases(() => broker))('%s', (_name, code, question) => {
  test('the same by JSON, in a batch and at forward auth', async () => {
    const asked = await question();
    const { body } = await expectSame(json(asked));
    expect(JSON.parse(body).code).toBe(code);
    await expectSame(batch([asked, { key: plain }]));
    if (/^[\x21-\x7e]*$/.test(asked.key) && asked.key.length < 10_000)
      await expectSame(authz(linesOf(asked)));
  });
});

function linesOf({ key, scopes, organization_id, environment, ip }: Question): Line[] {
  const all: [string, string | undefined][] = [
    ['x-api-key', key],
    ['x-forwarded-for', ip],
    ['x-flowplate-required-scopes', scopes?.join(' ')],
    ['x-flowplate-required-organization', organization_id],
    ['x-flowplate-required-environment', environment],
  ];
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

const unknown = newSecret('user', 'test', randomBytes);
const otherGateway = newSecret('master', 'test', randomBytes);

describe('forward auth', () => {
  const rows: [name: string, status: number, sent: () => Sent][] = [
    ['no key', 401, () => authz([])],
    ['Bearer', 200, () => authz([['Authorization', `Bearer ${plain}`]])],
    ['Bearer in lower case', 200, () => authz([['authorization', `bearer  ${plain}`]])],
    ['Basic is of somebody else', 401, () => authz([['authorization', 'Basic dTpw']])],
    [
      'both headers, one key',
      200,
      () =>
        authz([
          ['x-api-key', plain],
          ['authorization', `Bearer ${plain}`],
        ]),
    ],
    [
      'two keys',
      401,
      () =>
        authz([
          ['x-api-key', plain],
          ['authorization', `Bearer ${unknown}`],
        ]),
    ],
    [
      'two lines with two keys',
      401,
      () =>
        authz([
          ['x-api-key', plain],
          ['x-api-key', unknown],
        ]),
    ],
    ['a list of keys', 401, () => authz([['x-api-key', `${plain}, ${unknown}`]])],
    [
      'an empty key beside a good one',
      200,
      () =>
        authz([
          ['x-api-key', ''],
          ['authorization', `Bearer ${plain}`],
        ]),
    ],
    ['a mistyped key', 401, () => authz([['x-api-key', `${plain}x`]])],
    ['a path below', 200, () => authz([['x-api-key', plain]], { path: `${doorPath}/orders/7?page=2` })],
    ['a path beside', 404, () => authz([['x-api-key', plain]], { path: `${doorPath}x` })],
    ['HEAD', 200, () => authz([['x-api-key', plain]], { method: 'HEAD' })],
    ['HEAD without a key', 401, () => authz([], { method: 'HEAD' })],
    ['DELETE', 200, () => authz([['x-api-key', plain]], { method: 'DELETE' })],
    [
      'a body',
      200,
      () =>
        authz(
          [
            ['x-api-key', plain],
            ['Content-Length', '4'],
          ],
          { method: 'POST', body: 'body' },
        ),
    ],
    [
      'a body in chunks',
      401,
      () => authz([['Transfer-Encoding', 'chunked']], { method: 'POST', body: 'body' }),
    ],
    [
      'a request id',
      200,
      () =>
        authz([
          ['x-api-key', plain],
          ['x-request-id', 'mine-7'],
        ]),
    ],
    ['a request id with a secret', 401, () => authz([['x-request-id', unknown]])],
    [
      'scopes that it has',
      200,
      () =>
        authz([
          ['x-api-key', plain],
          ['x-flowplate-required-scopes', 'read'],
        ]),
    ],
    [
      'scopes in two lines',
      403,
      () =>
        authz([
          ['x-api-key', plain],
          ['x-flowplate-required-scopes', 'read'],
          ['x-flowplate-required-scopes', 'write'],
        ]),
    ],
    [
      'two organizations at once',
      403,
      () =>
        authz([
          ['x-api-key', plain],
          ['x-flowplate-required-organization', 'a, b'],
        ]),
    ],
    [
      'two organizations at once, limited',
      403,
      () =>
        authz([
          ['x-api-key', limited],
          ['x-flowplate-required-organization', 'a, b'],
        ]),
    ],
    [
      'a scope that no key can have, limited',
      403,
      () =>
        authz([
          ['x-api-key', limited],
          ['x-flowplate-required-scopes', '~'],
        ]),
    ],
    ['a limited key', 200, () => authz([['x-api-key', limited]])],
    ['no gateway', 401, () => ({ path: doorPath, headers: [['x-api-key', plain]] })],
    [
      'an empty gateway key',
      401,
      () => ({
        path: doorPath,
        headers: [
          ['x-flowplate-master-key', ''],
          ['x-api-key', plain],
        ],
      }),
    ],
    [
      'an unknown gateway',
      401,
      () => ({
        path: doorPath,
        headers: [
          ['x-flowplate-master-key', otherGateway],
          ['x-api-key', plain],
        ],
      }),
    ],
    [
      'a gateway with a user key',
      401,
      () => ({
        path: doorPath,
        headers: [
          ['x-flowplate-master-key', plain],
          ['x-api-key', plain],
        ],
      }),
    ],
    [
      'two gateways',
      401,
      () => ({
        path: doorPath,
        headers: [['x-flowplate-master-key', otherGateway], asGateway(), ['x-api-key', plain]],
      }),
    ],
    [
      'one gateway twice',
      200,
      () => ({ path: doorPath, headers: [asGateway(), asGateway(), ['x-api-key', plain]] }),
    ],
    ['a target with a host', 200, () => authz([['x-api-key', plain]], { path: `http://other${doorPath}` })],
  ];
  test.each(rows)('%s: %i', async (_name, status, sent) => {
    expect((await expectSame(sent())).status).toBe(status);
  });

  test('a limited key that has spent its limit: 429, and 403 for proxies that want it', async () => {
    const { key } = await mint(broker, { rate_limit: { limit: 1, window_seconds: 3_600 } });
    await decided(broker, authz([['x-api-key', key]]));
    expect((await expectSame(authz([['x-api-key', key]]))).status).toBe(429);
    const asWanted = authz([['x-api-key', key]], { path: `${doorPath}?a=b&deny=403` });
    expect((await expectSame(asWanted)).status).toBe(403);
  });
});

describe('JSON', () => {
  const typed = (type: string, more: readonly Line[] = []): Sent => {
    const sent = json({ key: plain });
    const kept = sent.headers?.filter(([name]) => name !== 'Content-Type') ?? [];
    return { ...sent, headers: [['Content-Type', type], ...more, ...kept] };
  };
  const withoutKey = (headers: readonly Line[]): Sent => {
    const sent = json({ key: plain });
    const kept = sent.headers?.filter(([name]) => name !== 'x-flowplate-master-key') ?? [];
    return { ...sent, headers: [...headers, ...kept] };
  };
  const rows: [name: string, status: number, sent: () => Sent][] = [
    [
      'a scope, an address and a cost',
      200,
      () => json({ key: plain, scopes: ['read', 'read'], ip: '10.0.0.1', cost: 3 }),
    ],
    ['an explanation', 200, () => json({ key: plain, scopes: ['write'], explain: true })],
    ['problem+json', 422, () => json({ key: 7 }, { headers: [['Accept', 'application/problem+json']] })],
    ['no key', 422, () => json({})],
    ['an unknown field', 422, () => json({ key: plain, scope: ['read'] })],
    ['a wrong type', 422, () => json({ key: ['x'], scopes: 'read', cost: -1, ip: null })],
    [
      'an organization that cannot be',
      422,
      () => json({ key: plain, organization_id: 'a b', environment: 'P' }),
    ],
    ['a number that no double holds', 422, () => json(`{"key":"x","cost":9007199254740993}`)],
    ['a list', 422, () => json([plain])],
    ['no body', 422, () => json('')],
    ['no JSON', 400, () => json(`{"key": "${plain}"`)],
    ['a member twice', 400, () => json(`{"key":"${plain}","key":"x"}`)],
    ['no UTF-8', 400, () => json(Buffer.from('{"key":"\xff"}', 'latin1'))],
    ['64 KiB and more', 413, () => json({ key: 'x'.repeat(70_000) })],
    ['a form', 415, () => typed('application/x-www-form-urlencoded')],
    ['JSON with parameters', 200, () => typed('Application/JSON; charset=utf-8')],
    ['a compressed body', 415, () => typed('application/json', [['Content-Encoding', 'gzip']])],
    ['no type', 415, () => typed('')],
    ['a request id', 200, () => json({ key: plain }, { headers: [['x-request-id', 'mine-8']] })],
    [
      'two request ids',
      200,
      () =>
        json(
          { key: plain },
          {
            headers: [
              ['x-request-id', 'a'],
              ['x-request-id', 'b'],
            ],
          },
        ),
    ],
    ['a query', 422, () => json({ key: plain }, { path: `${keysPath}/verify?key=x` })],
    ['an empty query', 200, () => json({ key: plain }, { path: `${keysPath}/verify?` })],
    ['a double slash', 404, () => json({ key: plain }, { path: `/${keysPath}/verify` })],
    ['a slash at the end', 404, () => json({ key: plain }, { path: '/v1/flowplate/api-keys/verify/batch/' })],
    ['GET', 405, () => ({ path: `${keysPath}/verify`, headers: [asGateway()] })],
    ['PUT of a batch', 405, () => ({ ...batch([]), method: 'PUT' })],
    ['another path', 404, () => json({ key: plain }, { path: '/v1/flowplate/api-keyz' })],
    ['no gateway', 401, () => withoutKey([])],
    ['the master key as X-API-Key', 200, () => withoutKey([['X-API-Key', broker.masterKey]])],
    ['two gateways', 400, () => withoutKey([asGateway(), ['X-API-Key', otherGateway]])],
    ['an unknown gateway', 401, () => withoutKey([['x-flowplate-master-key', otherGateway]])],
    [
      'an unknown gateway with a large body',
      401,
      () => ({ ...json('x'.repeat(20_000)), headers: [['Content-Length', '20000']] }),
    ],
    ['an empty batch', 422, () => batch([])],
    ['101 keys', 422, () => batch(Array.from({ length: 101 }, () => ({ key: plain })))],
    [
      'a batch of all kinds',
      200,
      () =>
        batch([
          { key: plain },
          { key: unknown },
          { key: 'x' },
          { key: limited },
          { key: plain, explain: true },
          { key: plain },
        ]),
    ],
    ['a batch with a mistake', 422, () => batch([{ key: plain }, { key: plain, scopez: [] }])],
  ];
  test.each(rows)('%s: %i', async (_name, status, sent) => {
    expect((await expectSame(sent())).status).toBe(status);
  });
});
