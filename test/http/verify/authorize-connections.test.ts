import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { mint, verify } from '../../support/keys.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';
import { doorPath } from './door.ts';

let broker: TestBroker;
let key: string;
beforeAll(async () => {
  broker = await startBroker();
  ({ key } = await mint(broker));
  // From memory from here on, so that no look-up runs into the door's deadline.
  await verify(broker, key);
});
afterAll(() => broker.close());

function request(method: string, ...lines: string[]): string {
  return `${[
    `${method} ${doorPath} HTTP/1.1`,
    'host: broker',
    `x-flowplate-master-key: ${broker.masterKey}`,
    `x-api-key: ${key}`,
    ...lines,
  ].join('\r\n')}\r\n\r\n`;
}

const closes = /^connection: close\r$/im;

/**
 * Each request after the answer to the one before it, all on one connection; resolves with the last
 * answer.
 */
function converse(...requests: string[]): Promise<string> {
  const { hostname, port } = new URL(broker.url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname);
    const sendNext = () => {
      const next = requests.shift();
      if (next !== undefined) return socket.write(next);
      socket.destroy();
      return resolve(received);
    };
    socket.on('connect', sendNext);
    socket.on('data', (bytes) => {
      received += bytes;
      sendNext();
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`closed after ${received}`)));
  });
}

test('requests without a body follow one another on one connection, which stays open', async () => {
  const received = await converse(
    request('GET'),
    request('OPTIONS', 'content-length: 0'),
    request('HEAD'),
    request('DELETE'),
  );
  expect(statusesOf(received)).toEqual([200, 200, 200, 200]);
  expect(received).not.toMatch(closes);
  expect(received).toMatch(/^keep-alive: timeout=120\r$/im);
});

test('a handshake for another protocol is answered like any other request', async () => {
  const upgrade = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
  const received = await converse(request('GET', ...upgrade), request('GET'));
  expect(statusesOf(received)).toEqual([200, 200]);
});

// A POST of a misconfigured nginx: the client's Content-Length and no body. The next request on the
// connection would be read as that body, and its rest parsed as another request.
test.each([
  ['GET', 'content-length: 7'],
  ['GET', 'transfer-encoding: chunked'],
  ['POST', 'content-length: 65536'],
  ['PUT', 'content-length: 7', 'expect: 100-continue'],
])(
  'a %s that announces a body (%s) and sends none is answered at once, and is the last of its connection',
  async (method, ...lines) => {
    const startedMs = performance.now();
    const received = await sendRaw(broker.url, request(method, ...lines));
    expect(statusesOf(received).at(-1)).toBe(200);
    expect(received).toMatch(closes);
    // `sendRaw` would wait three seconds for a server that keeps the connection.
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  },
);

test('what follows such a request is neither answered nor taken apart, and a new connection has it all', async () => {
  const next = request('GET', 'x-request-id: next', 'connection: close');
  const received = await sendRaw(broker.url, request('GET', 'content-length: 7') + next);
  expect(statusesOf(received)).toEqual([200]);
  expect(received).not.toContain('next');
  expect(statusesOf(await sendRaw(broker.url, next))).toEqual([200]);
});

test('a refusal closes such a connection too', async () => {
  const refused = request('GET', 'content-length: 7').replace(key, 'x');
  const received = await sendRaw(broker.url, refused + request('GET'));
  expect(statusesOf(received)).toEqual([401]);
  expect(received).toMatch(closes);
});

test('a body that does come is not waited for, and does not cost the answer', async () => {
  const { hostname, port } = new URL(broker.url);
  const received = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, async () => {
      socket.write(request('POST', 'content-length: 200000'));
      for (let sent = 0; sent < 200_000 && !socket.destroyed; sent += 20_000) {
        socket.write(Buffer.alloc(20_000, 'a'));
        await sleep(2);
      }
    });
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    socket.on('close', () => resolve(text));
  });
  expect(statusesOf(received)).toEqual([200]);
});

test('more than 16 KiB of headers are refused before anything is decided', async () => {
  const received = await sendRaw(broker.url, request('GET', `cookie: ${'a'.repeat(20_000)}`));
  expect(statusesOf(received)).toEqual([431]);
});

test('an HTTP/1.0 gateway is answered and the connection closed', async () => {
  const received = await sendRaw(broker.url, request('GET').replace('HTTP/1.1', 'HTTP/1.0'));
  expect(statusesOf(received)).toEqual([200]);
  expect(received).toMatch(closes);
});
