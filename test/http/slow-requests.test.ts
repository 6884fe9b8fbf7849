import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiServer } from '../../src/http/server.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { keysPath, newOwner } from '../support/keys.ts';
import { statusesOf } from '../support/raw-request.ts';

const headMsMax = 5_000;
const requestMsMax = 10_000;
/** The server looks once a second; the rest is for a machine that has other things to do. */
const lateMsMax = 3_000;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
});
afterAll(endAll);

type Slow = { start?: string; drip?: string; everyMs?: number };

/**
 * Sends a start, then a drip over and over, and says how long the connection lived and what came
 * back.
 */
async function send(url: string, { start = '', drip, everyMs = 200 }: Slow) {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    received += text;
  });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const startedMs = performance.now();
  socket.write(start);
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), everyMs);
  await once(socket, 'close');
  clearInterval(dripping);
  return { livedMs: performance.now() - startedMs, statuses: statusesOf(received) };
}

const head = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, 'Host: broker', ...headers].join('\r\n');
const json = (length: number) => ['Content-Type: application/json', `Content-Length: ${length}`];
const credential = () => `x-flowplate-master-key: ${broker.masterKey}`;

test('a head that does not arrive within five seconds ends its connection, also when bytes drip in', async () => {
  const slow: Slow[] = [
    {},
    { start: 'POST /v1/flow' },
    { start: `${head(`POST ${keysPath}/verify`)}\r\n`, drip: 'X-Slow: yes\r\n' },
    { start: `${head('GET /v1/flowplate/authz')}\r\n`, drip: 'a' },
    { start: `${head('GET /health/live')}\r\n\r\nGET /health/l` },
  ];
  for (const { livedMs, statuses } of await Promise.all(slow.map((one) => send(broker.url, one)))) {
    expect(livedMs).toBeGreaterThan(headMsMax - 500);
    expect(livedMs).toBeLessThan(headMsMax + lateMsMax);
    expect([[408], [200]]).toContainEqual(statuses);
  }
});

test('a body that does not arrive within ten seconds ends its connection, also when bytes drip in, and nothing is done', async () => {
  const owner = newOwner();
  const mint = JSON.stringify(owner);
  const chunked = 'Transfer-Encoding: chunked';
  const jsonType = 'Content-Type: application/json';
  const starts = [
    `${head(`POST ${keysPath}/verify`, credential(), ...json(1_000))}\r\n\r\n{"key":"`,
    `${head(`POST ${keysPath}/verify`, credential(), jsonType, chunked)}\r\n\r\n`,
    `${head(`POST ${keysPath}`, credential(), ...json(mint.length + 1_000))}\r\n\r\n${mint}`,
    `${head('GET /v1/flowplate/authz', credential(), 'Content-Length: 1000')}\r\n\r\n`,
    `${head('POST /api/v1/platform/auth/login', ...json(1_000))}\r\n\r\n`,
    `${head(`POST ${keysPath}`, 'x-flowplate-master-key: unknown', ...json(1_000))}\r\n\r\n`,
  ];
  const drips = starts.map((start) => ({ start, drip: start.includes(chunked) ? '1\r\n \r\n' : ' ' }));
  const silent = starts.map((start) => ({ start }));
  for (const { livedMs } of await Promise.all([...drips, ...silent].map((one) => send(broker.url, one)))) {
    expect(livedMs).toBeLessThan(requestMsMax + lateMsMax);
  }
  const minted = await broker.call(`GET ${keysPath}?user_id=${owner.user_id}`);
  expect(minted.body.data).toEqual([]);
});

test('an answer of which nothing is taken ends its connection', async () => {
  const server = createApiServer({ ...broker.api.parts, isDraining: () => false });
  atEnd(() => server.close());
  expect(server.timeout).toBe(120_000);
  server.timeout = 1_000;
  const port = await listen(server, 0, '127.0.0.1');
  const socket = connect(port, '127.0.0.1');
  atEnd(() => socket.destroy());
  socket.pause();
  // Far more than the buffers of both ends take.
  socket.write(`${head('GET /docs/swagger-ui-bundle.js')}\r\n\r\n`.repeat(20));
  const [atServer] = await once(server, 'connection');
  await once(atServer, 'close');
});

test('thousands of half-sent requests do not stop other callers', async () => {
  const { port, hostname } = new URL(broker.url);
  const starts = [
    'POST /v1/flow',
    `${head(`POST ${keysPath}/verify`, credential(), ...json(1_000))}\r\n\r\n{"key":"`,
    `${head(`POST ${keysPath}`, ...json(1_000))}\r\n\r\n{`,
  ];
  const sockets = Array.from({ length: 1_500 }, (_, index) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(starts[index % starts.length] ?? '');
    return socket;
  });
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (let call = 0; call < 100; call++) {
      const { status, body } = await broker.call(`POST ${keysPath}/verify`, { body: { key: 'x' } });
      expect([status, body.code]).toEqual([200, 'MALFORMED']);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});
