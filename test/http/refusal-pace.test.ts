import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { newSecret } from '../../src/domain/key-format.ts';
import { acceptedType } from '../../src/http/accepted-type.ts';
import { docsPage } from '../../src/http/docs-page.ts';
import { type PaceLimits, RefusalPace } from '../../src/http/refusal-pace.ts';
import { listen } from '../../src/process/serve-http.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { closedLoop } from '../support/closed-loop.ts';
import { eventually } from '../support/eventually.ts';
import { keysPath, mint } from '../support/keys.ts';
import { sendRaw, statusesOf } from '../support/raw-request.ts';

afterAll(endAll);

describe('the pace of refusals', () => {
  const get = () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

  async function refusing(limits: PaceLimits): Promise<number> {
    const pace = new RefusalPace(limits);
    const server = createServer((_req, res) => pace.end(res, 'no'));
    atEnd(() => {
      server.close();
      server.closeAllConnections();
    });
    return listen(server, 0, '127.0.0.1');
  }

  test('a burst leaves at once, and a closed loop gets its rate and no more', async () => {
    const port = await refusing({ perSecond: 100, atOnceMax: 20, waitMsMax: 5_000, waitingMax: 1_000 });
    const startedMs = performance.now();
    const seen = closedLoop(port, get, 50);
    const [answers, seconds] = await eventually(
      5_000,
      () => [seen.answers, (performance.now() - startedMs) / 1_000] as const,
      ([count, after]) => count > 100 && after > 1,
    );
    expect(answers).toBeLessThanOrEqual(20 + seconds * 100 + 60);
    expect(seen.closed).toBe(0);
  });

  test('no answer waits longer than the bound, and afterwards the rate is as before', async () => {
    const port = await refusing({ perSecond: 1, atOnceMax: 1, waitMsMax: 300, waitingMax: 1_000 });
    const seen = closedLoop(port, get, 20);
    // At its rate alone it would be forty seconds.
    await eventually(
      2_000,
      () => seen.answers,
      (count) => count > 40,
    );
    seen.end();
    const startedMs = performance.now();
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test('when too many wait, the next is refused at once and its connection closed', async () => {
    const port = await refusing({ perSecond: 1, atOnceMax: 1, waitMsMax: 60_000, waitingMax: 5 });
    const seen = closedLoop(port, get, 30);
    await eventually(
      5_000,
      () => seen.closed,
      (count) => count >= 30 - 5,
    );
    expect(seen.closed).toBe(30 - 5);
  });
});

describe('strangers in a closed loop', () => {
  const connections = 200;
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker();
    atEnd(() => broker.close());
  });

  const post = (headers: string) =>
    `POST ${keysPath}/verify HTTP/1.1\r\nHost: x\r\n${headers}Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"key":"x"}`;
  const verifyOf = (key: string) => {
    const body = JSON.stringify({ key });
    return `POST ${keysPath}/verify HTTP/1.1\r\nHost: x\r\n${masterKey(broker.masterKey)}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  const authorizeOf = (key: string) =>
    `GET /v1/flowplate/authz HTTP/1.1\r\nHost: x\r\n${masterKey(broker.masterKey)}Authorization: Bearer ${key}\r\n\r\n`;
  const loginPath = '/api/v1/platform/auth/login';
  const introspectPath = '/v1/flowplate/introspect';
  const formType = 'application/x-www-form-urlencoded';
  const send = (path: string, type: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const masterKey = (secret: string) => `x-flowplate-master-key: ${secret}\r\n`;

  /** Holds all that is paced, until the test is over. */
  function hold(pace: RefusalPace) {
    const held: Parameters<RefusalPace['run']>[0][] = [];
    vi.spyOn(pace, 'run').mockImplementation((send) => void held.push(send));
    return held;
  }

  /** Each of the connections waits for its answer. */
  const allWait = (held: readonly unknown[]) =>
    eventually(
      10_000,
      () => held.length,
      (count) => count >= connections,
    );

  test.each<[string, (key: string) => string]>([
    ['JSON verify', verifyOf],
    ['forward auth', authorizeOf],
  ])(
    'through a gateway that is known are slowed down, and its other keys are not: %s',
    async (_what, request) => {
      const { key } = await mint(broker);
      const port = Number(new URL(broker.url).port);
      const held = hold(broker.api.parts.unknownKeyPace);
      const seen = closedLoop(port, () => request(newSecret('user', 'test', randomBytes)), connections);
      await allWait(held);
      const known = closedLoop(port, () => request(key), 1);
      await eventually(
        10_000,
        () => known.answers,
        (count) => count > 20,
      );
      expect([...known.statuses.keys()]).toEqual(['200']);
      known.end();
      expect(held.length, 'every stranger waits, and none else').toBe(connections);
      // Told to come back by a busy machine, one comes back.
      expect([...seen.statuses.keys()].filter((status) => status !== '503')).toEqual([]);
      seen.end();
    },
  );

  test.each<[string, () => string, string]>([
    ['a random master key', () => post(masterKey(randomBytes(36).toString('base64'))), '401'],
    ['a made-up master key', () => post(masterKey(newSecret('master', 'test', randomBytes))), '401'],
    ['none', () => post(''), '401'],
    [
      'an unknown gateway at forward auth',
      () => `GET /v1/flowplate/authz HTTP/1.1\r\nHost: x\r\n${masterKey('unknown')}\r\n`,
      '401',
    ],
    ['an address that is not there', () => 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n', '404'],
    ['a login that is no login', () => send(loginPath, 'application/json', '{}'), '422'],
    ['a login that is no JSON', () => send(loginPath, 'application/json', '{"a":1,"a":2}'), '400'],
    ['a login of another type', () => send(loginPath, 'text/plain', 'x'), '415'],
    ['a form with a member twice', () => send(introspectPath, formType, 'a=1&a=2'), '400'],
  ])('are slowed down, and callers who are known are not: %s', async (_what, request, status) => {
    const held = hold(broker.api.parts.refusalPace);
    const seen = closedLoop(Number(new URL(broker.url).port), request, connections);
    await allWait(held);
    for (let call = 0; call < 50; call++) {
      const { status: known } = await broker.call(`POST ${keysPath}/verify`, { body: { key: 'x' } });
      expect(known).toBe(200);
    }
    expect([held.length, seen.answers], 'every stranger waits, and none else').toEqual([connections, 0]);
    for (const send of held.splice(0)) send(false);
    // Each has its answer, and waits for the next one.
    await allWait(held);
    expect([...seen.statuses]).toEqual([[status, connections]]);
    seen.end();
  });

  test('get the largest document at a pace', async () => {
    const pace = new RefusalPace({ perSecond: 1, atOnceMax: 1, waitMsMax: 60_000, waitingMax: 10 });
    const server = createServer(express().use(docsPage(pace)));
    atEnd(() => void server.close());
    const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}/openapi.json`;
    const startedMs = performance.now();
    for (let count = 0; count < 3; count++) expect((await fetch(url)).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThan(1_500);
  });

  test('choose among thousands of types in no time', () => {
    const headers = { accept: 'a/b,'.repeat(3_900) };
    // Time of the processor: others may use it as well.
    const before = process.threadCpuUsage();
    for (let round = 0; round < 200; round++) acceptedType({ headers } as never, ['a/c', 'a/d']);
    expect(process.threadCpuUsage(before).user / 1_000).toBeLessThan(100);
  });

  test.each([
    [loginPath, 'application/json', JSON.stringify({ email: 'a@b.c', password: 'x'.repeat(9_000) })],
    ['/api/v1/platform/session', 'application/json', `{"a":"${'x'.repeat(9_000)}"}`],
  ])('413: send no large bodies to %s', async (path, type, body) => {
    const { status, body: refused } = await broker.call(`POST ${path}`, {
      as: null,
      headers: { 'content-type': type },
      body,
    });
    expect([status, refused.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const chunked = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const bytes = `${chunked}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(statusesOf(await sendRaw(broker.url, bytes))).toEqual([413]);
  });

  test('may log in with the longest password there is, every character escaped', async () => {
    const escaped = (text: string) =>
      [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const email = `${'a'.repeat(252)}@b`;
    const body = `{"email":"${escaped(email)}","password":"${escaped('p'.repeat(1_024))}"}`;
    const { status } = await broker.call(`POST ${loginPath}`, { as: null, body });
    expect(status).toBe(401);
  });

  test('400: send no forms of many members', async () => {
    const statusOf = async (members: number) => {
      const body = [`token=x&client_secret=${broker.masterKey}`, ...Array(members - 2).fill('')];
      const headers = { 'content-type': formType };
      return (await broker.call(`POST ${introspectPath}`, { as: null, headers, body: body.join('&') }))
        .status;
    };
    expect([await statusOf(2), await statusOf(100), await statusOf(101)]).toEqual([200, 200, 400]);
  });
});
