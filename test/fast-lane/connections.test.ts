import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { FastLaneServer } from '../../src/fast-lane/fast-lane-server.ts';
import type { LaneOptions } from '../../src/fast-lane/lane.ts';
import type { LaneRequest } from '../../src/fast-lane/lane-request.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { laneServer } from './echo-servers.ts';
import { asSocket } from './in-process.ts';

afterEach(endAll);

type Client = { socket: Socket; text: () => string; isEnded: () => boolean; closed: Promise<unknown> };

async function start(options: Partial<LaneOptions> = {}) {
  const server = laneServer(options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, dial: () => dial(server) };
}

async function dial(server: FastLaneServer): Promise<Client> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  let text = '';
  let isEnded = false;
  socket.setEncoding('latin1');
  socket.on('data', (more) => {
    text += more;
  });
  socket.on('end', () => {
    isEnded = true;
    socket.end();
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  atEnd(() => socket.destroy());
  return { socket, text: () => text, isEnded: () => isEnded, closed };
}

/** An endpoint whose requests wait until the test answers them. */
function heldBack() {
  const waiting: LaneRequest[] = [];
  const endpoint = {
    method: 'GET',
    path: '/wait',
    takesQuery: true,
    bodyBytesMax: 0,
    headerNames: [],
    answer: (req: LaneRequest) => void waiting.push(req),
  } as const;
  return { waiting, endpoints: [endpoint] };
}

const ask = (query = '') => `GET /ask${query} HTTP/1.1\r\nHost: a\r\n\r\n`;
const wait = (query: string) => `GET /wait${query} HTTP/1.1\r\nHost: a\r\n\r\n`;
const empty = (at: string) => ({
  status: 200,
  headers: ['X-At', at, 'Content-Length', '0'],
  body: '',
  isAscii: true,
});
const answersIn = (text: string) => text.split('HTTP/1.1 ').length - 1;
const until = (done: () => unknown) =>
  eventually(
    5_000,
    () => Boolean(done()),
    (isDone) => isDone,
  );

test('a connection without a byte gets 408 and is closed', async () => {
  const { dial } = await start({ firstByteMsMax: 500 });
  const startedMs = performance.now();
  const { text, closed } = await dial();
  await closed;
  expect(text()).toBe('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  expect(performance.now() - startedMs).toBeGreaterThan(500);
});

test('an idle connection is closed after its time, and each request gives it new time', async () => {
  const { dial } = await start({ firstByteMsMax: 60_000, idleMsMax: 2_000 });
  const { socket, text, closed } = await dial();
  const startedMs = performance.now();
  socket.write(ask());
  await sleep(1_500);
  socket.write(ask());
  await closed;
  expect(answersIn(text())).toBe(2);
  expect(performance.now() - startedMs).toBeGreaterThan(3_400);
});

test('of a client that does not take its answers no more is read, and in the end it is closed', async () => {
  const { server } = await start({ idleMsMax: 2_000 });
  const [client, far] = duplexPair();
  client.on('error', () => undefined);
  server.emit('connection', asSocket(far));
  // Whole requests in each piece: the lane would hand a part of one over.
  const piece = ask(`?${'a'.repeat(4_000)}`).repeat(10);
  for (let count = 0; count < 500; count++) client.write(piece);
  await sleep(200);
  expect(far.writableLength).toBeLessThan(300_000);
  expect(far.readableLength).toBeLessThan(300_000);
  await once(far, 'close');
});

test('a slow reader gets all of its answers in order', async () => {
  const { dial } = await start();
  const { socket, text } = await dial();
  socket.pause();
  const count = 3_000;
  socket.write(Array.from({ length: count }, (_, at) => ask(`?${at}-${'a'.repeat(1_000)}`)).join(''));
  await sleep(300);
  socket.resume();
  await until(() => answersIn(text()) === count);
  const order = [...text().matchAll(/\/ask\?(\d+)-/g)].map(([, at]) => Number(at));
  expect(order).toEqual(Array.from({ length: count }, (_, at) => at));
});

test('a flood on one connection does not keep another one waiting', async () => {
  let answers = 0;
  const turns: number[] = [];
  const endpoint = (path: string, onAnswer: () => void) =>
    ({
      method: 'GET',
      path,
      takesQuery: false,
      bodyBytesMax: 0,
      headerNames: [],
      answer: (req: LaneRequest) => {
        onAnswer();
        req.send(empty(path));
      },
    }) as const;
  const { dial } = await start({
    endpoints: [endpoint('/flood', () => answers++), endpoint('/calm', () => turns.push(answers))],
  });
  const [flood, calm] = [await dial(), await dial()];
  const requests = 1_500;
  flood.socket.write('GET /flood HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(requests));
  calm.socket.write('GET /calm HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => answersIn(flood.text()) === requests && answersIn(calm.text()) === 1);
  expect(turns[0]).toBeLessThan(requests / 4);
});

test('what comes behind a request that waits is answered after it', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial } = await start({ endpoints });
  const { socket, text } = await dial();
  socket.write(wait('?1') + wait('?2'));
  await until(() => waiting.length === 1);
  socket.write(wait('?3'));
  await sleep(50);
  expect([waiting.length, text()]).toEqual([1, '']);
  for (const at of ['1', '2', '3']) {
    await until(() => waiting.length > 0);
    const req = waiting.shift() as LaneRequest;
    expect(req.url).toBe(`/wait?${at}`);
    req.send(empty(at));
  }
  await until(() => answersIn(text()) === 3);
  expect([...text().matchAll(/X-At: (\d)/g)].map(([, at]) => at)).toEqual(['1', '2', '3']);
});

test('a second answer to a request is an error, and nothing of it is sent', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial } = await start({ endpoints });
  const { socket, text } = await dial();
  socket.write(wait('?1') + wait('?2'));
  await until(() => waiting.length === 1);
  waiting[0]?.send(empty('1'));
  expect(() => waiting[0]?.send(empty('again'))).toThrow('A request has one answer');
  await until(() => text().includes('X-At: 1'));
  expect(text()).not.toContain('again');
});

test('an answer to a client that has left goes nowhere', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial, server } = await start({ endpoints });
  const { socket } = await dial();
  socket.write(wait(''));
  await until(() => waiting.length === 1);
  socket.resetAndDestroy();
  await sleep(100);
  waiting[0]?.send(empty('1'));
  await new Promise((resolve) => server.close(resolve));
});

test('a header value cannot end its header', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial } = await start({ endpoints });
  const { socket } = await dial();
  socket.write(wait(''));
  await until(() => waiting.length === 1);
  const evil = {
    status: 200,
    headers: ['X-Id', 'a\r\nX-Evil: b', 'Content-Length', '0'],
    body: '',
    isAscii: true,
  };
  expect(() => waiting[0]?.send(evil)).toThrow();
});

test('a client that sends no more gets its answers, and then the end', async () => {
  const { dial } = await start();
  const { socket, text, isEnded, closed } = await dial();
  socket.end(ask('?1') + ask('?2'));
  await closed;
  expect([answersIn(text()), isEnded()]).toEqual([2, true]);
});

test('the last answer of a connection is followed by its end', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial } = await start({ endpoints });
  const { socket, text, closed } = await dial();
  socket.write(wait('?1') + wait('?2'));
  await until(() => waiting.length === 1);
  waiting[0]?.send({ ...empty('1'), isLast: true });
  await closed;
  expect([answersIn(text()), waiting.length]).toEqual([1, 1]);
});

test('close: idle connections end, a new one and one that waits are served first', async () => {
  const { waiting, endpoints } = heldBack();
  const { dial, server } = await start({ endpoints });
  const [idle, busy, fresh] = [await dial(), await dial(), await dial()];
  idle.socket.write(wait('?idle'));
  await until(() => waiting.length === 1);
  waiting.shift()?.send(empty('idle'));
  await until(() => answersIn(idle.text()) === 1);
  busy.socket.write(wait('?busy'));
  await until(() => waiting.length === 1);
  const closed = new Promise((resolve) => server.close(resolve));
  await idle.closed;
  fresh.socket.write(wait('?fresh'));
  await until(() => waiting.length === 2);
  for (const req of waiting) req.send(empty('late'));
  await until(() => answersIn(busy.text()) === 1 && answersIn(fresh.text()) === 1);
  server.closeIdleConnections();
  await Promise.all([busy.closed, fresh.closed, closed]);
});

test('a closed lane leaves the next request of each connection to node:http', async () => {
  let isOpen = true;
  const { dial, server } = await start({ isOpen: () => isOpen });
  let byNode = 0;
  server.on('request', () => {
    byNode++;
  });
  const { socket, text } = await dial();
  socket.write(ask());
  await until(() => answersIn(text()) === 1);
  expect(byNode).toBe(0);
  isOpen = false;
  socket.write(ask());
  await until(() => answersIn(text()) === 2);
  expect(byNode).toBe(1);
});

test('a handed-over connection stays with node:http, with each byte that was not answered', async () => {
  const { dial, server } = await start();
  const urls: (string | undefined)[] = [];
  server.on('request', ({ url }) => urls.push(url));
  const { socket, text } = await dial();
  socket.write(`${ask('?1')}${ask('?2').slice(0, 10)}`);
  await until(() => answersIn(text()) === 1);
  await sleep(20);
  socket.write(ask('?2').slice(10) + ask('?3'));
  await until(() => answersIn(text()) === 3);
  expect(urls).toEqual(['/ask?2', '/ask?3']);
});
