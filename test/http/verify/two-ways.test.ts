import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiServer } from '../../../src/http/server.ts';
import { drain, listen } from '../../../src/process/serve-http.ts';
import { atEnd, endAll } from '../../support/at-end.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath, mint, verify } from '../../support/keys.ts';
import { doorPath } from './door.ts';
import { type Question, verdictCases } from './verdict-cases.ts';

/** One server with the fast lane, one without, on the same memory and stores. */
type Way = { port: number; nodeRequests: number };

let broker: TestBroker;
let lane: Way;
let node: Way;
let key: string;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  lane = await open(true);
  node = await open(false);
  ({ key } = await mint(broker, { scopes: ['read', 'write'], metadata: { name: 'Zoë 🗝' } }));
  await verify(broker, key);
});
afterAll(endAll);

async function open(isFastLaneOn: boolean): Promise<Way> {
  const server = createApiServer({ ...broker.api.parts, isFastLaneOn, isDraining: () => false });
  atEnd(() => drain(server));
  const way = { port: await listen(server, 0, '127.0.0.1'), nodeRequests: 0 };
  server.on('request', () => {
    way.nodeRequests++;
  });
  return way;
}

/** The answer to one request, up to the end of its body. */
function ask({ port }: Way, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      received += text;
      const [head = '', body] = received.split(/\r\n\r\n(.*)/s);
      if (body === undefined || body.length < Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])) return;
      socket.destroy();
      resolve(received);
    });
    socket.on('end', () => reject(new Error(`closed after ${received}`)));
    socket.on('error', reject);
  });
}

/** Without what differs from one moment to the next. */
function steady(answer: string): string {
  return answer
    .replace(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/, '\r\nDate: *\r\n')
    .replaceAll(/req_[\w-]{20}/g, 'req_*')
    .replaceAll(/"(timestamp|asked)":"\d{4}-[^"]+Z"/g, '"$1":"*"')
    .replaceAll(/"(remaining|reset_at)":("[^"]*"|\d+)/g, '"$1":*')
    .replaceAll(/;([rt])=\d+/g, ';$1=*')
    .replace(/\r\nRetry-After: \d+/, '\r\nRetry-After: *');
}

/** Expects the same bytes from both, and that the lane was the lane. */
async function expectOneAnswer(request: string): Promise<string> {
  const before = lane.nodeRequests;
  const byLane = await ask(lane, request);
  expect(lane.nodeRequests, 'node:http got it').toBe(before);
  const byNode = await ask(node, request);
  expect(withoutLengths(byLane)).toBe(withoutLengths(byNode));
  return byLane;
}

/** A number of other digits makes another length. */
function withoutLengths(answer: string): string {
  const text = steady(answer);
  return text === answer || !text.includes('"reset_at":*')
    ? text
    : text.replace(/Content-Length: \d+/, 'Content-Length: *');
}

const gateway = () => `X-Flowplate-Master-Key: ${broker.masterKey}`;

function get(headers: readonly string[], query = ''): string {
  return [`GET ${doorPath}${query} HTTP/1.1`, 'Host: broker', ...headers, '', ''].join('\r\n');
}

function post(headers: readonly string[], body: string): string {
  const bytes = Buffer.from(body).toString('latin1');
  const length = `Content-Length: ${bytes.length}`;
  return [`POST ${keysPath}/verify HTTP/1.1`, 'Host: broker', ...headers, length, '', bytes].join('\r\n');
}

const json = 'Content-Type: application/json';

describe.each(verdictCases(() => broker))('%s: %s', (_name, code, question) => {
  test('by JSON', async () => {
    const asked = await question();
    const request = post([gateway(), json], JSON.stringify(asked));
    // Longer bodies are node:http's.
    if (request.length < 8_000) expect(await expectOneAnswer(request)).toContain(`"code":"${code}"`);
  });

  test('by forward auth, as X-API-Key and as a bearer token', async () => {
    const asked = await question();
    if (!/^[\x21-\x7e]{0,4000}$/.test(asked.key)) return;
    for (const credential of [`X-API-Key: ${asked.key}`, `Authorization: Bearer ${asked.key}`]) {
      await expectOneAnswer(get([gateway(), credential, ...demandsOf(asked)]));
      await expectOneAnswer(get([gateway(), credential, ...demandsOf(asked)], '?deny=403'));
    }
  });
});

function demandsOf({ scopes, organization_id, environment, ip }: Question): string[] {
  return [
    ...(scopes === undefined ? [] : [`X-Flowplate-Required-Scopes: ${scopes.join(' ')}`]),
    ...(organization_id === undefined ? [] : [`X-Flowplate-Required-Organization: ${organization_id}`]),
    ...(environment === undefined ? [] : [`X-Flowplate-Required-Environment: ${environment}`]),
    ...(ip === undefined ? [] : [`X-Forwarded-For: 192.0.2.1, ${ip}`]),
  ];
}

describe('forward auth', () => {
  test.each<[string, () => string[]]>([
    ['no credential at all', () => []],
    ['no gateway', () => [`X-API-Key: ${key}`]],
    ['an unknown gateway', () => ['X-Flowplate-Master-Key: x', `X-API-Key: ${key}`]],
    ['no key', () => [gateway()]],
    ['two keys', () => [gateway(), 'X-API-Key: x', `Authorization: Bearer ${key}`]],
    ['a list of keys', () => [gateway(), `X-API-Key: ${key}, ${key}`]],
    ['the same key twice', () => [gateway(), `X-API-Key: ${key}`, `Authorization: bearer  ${key}`]],
    ['Basic credentials', () => [gateway(), 'Authorization: Basic YTpi']],
    ['its own request id', () => [gateway(), `X-API-Key: ${key}`, 'X-Request-Id: abc-1']],
    ['an unsafe request id', () => [gateway(), `X-API-Key: ${key}`, `X-Request-Id: ${key}`]],
    ['Connection: keep-alive', () => [gateway(), `X-API-Key: ${key}`, 'Connection: keep-alive']],
    ['blanks around a value', () => [gateway(), `X-API-Key:   ${key}   `]],
  ])('%s', async (_name, headers) => {
    await expectOneAnswer(get(headers()));
    await expectOneAnswer(get(headers(), '?deny=403&a=b'));
  });
});

describe('JSON verify', () => {
  test.each<[string, () => string[], () => string]>([
    ['a key with metadata that is not ASCII', () => [gateway(), json], () => JSON.stringify({ key })],
    ['no gateway', () => [json], () => JSON.stringify({ key })],
    ['an unknown gateway', () => ['X-Flowplate-Master-Key: x', json], () => JSON.stringify({ key })],
    ['two gateways', () => [gateway(), 'X-API-Key: x', json], () => JSON.stringify({ key })],
    [
      'a master key as X-API-Key',
      () => [`X-API-Key: ${broker.masterKey}`, json],
      () => JSON.stringify({ key }),
    ],
    ['an unknown member', () => [gateway(), json], () => JSON.stringify({ key, extra: 1 })],
    ['a member twice', () => [gateway(), json], () => `{"key":"a","key":"b"}`],
    ['no JSON', () => [gateway(), json], () => '{'],
    ['another type', () => [gateway(), 'Content-Type: text/plain'], () => JSON.stringify({ key })],
    ['no type', () => [gateway()], () => JSON.stringify({ key })],
    ['a compressed body', () => [gateway(), json, 'Content-Encoding: gzip'], () => JSON.stringify({ key })],
    ['RFC 9457', () => [gateway(), json, 'Accept: application/problem+json'], () => '{'],
    ['an explanation', () => [gateway(), json], () => JSON.stringify({ key, explain: true })],
    ['its own request id', () => [gateway(), json, 'X-Request-Id: abc-1'], () => JSON.stringify({ key })],
  ])('%s', async (_name, headers, body) => {
    await expectOneAnswer(post(headers(), body()));
  });
});
