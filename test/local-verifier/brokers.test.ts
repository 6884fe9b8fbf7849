import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { Brokers } from '../../src/local-verifier/brokers.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { quietPort } from '../support/quiet-port.ts';

afterAll(endAll);

type Answering = { url: string; asked: string[]; status: number | 'reset' };

/** Answers every request with a status, or breaks its connection. */
async function answering(status: Answering['status']): Promise<Answering> {
  const state: Answering = { url: '', asked: [], status };
  const server: Server = createServer((req, res) => {
    state.asked.push(`${req.method} ${req.url}`);
    if (state.status === 'reset') req.socket.destroy();
    else res.writeHead(state.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

const verifyPath = '/v1/flowplate/api-keys/verify';
const recordsPath = '/v1/flowplate/verifiers/v_1/records';

const post = (brokers: Brokers, path: string) =>
  brokers.fetch(brokers.baseUrl + path, { method: 'POST', body: '{}' });

test('one is used until it fails, and then the next one, with every path', async () => {
  const [one, other] = [await answering(200), await answering(200)];
  const brokers = new Brokers([one.url, other.url]);
  await post(brokers, recordsPath);
  one.status = 'reset';
  expect((await post(brokers, recordsPath)).status).toBe(200);
  one.status = 200;
  await post(brokers, '/health/verify');
  expect([one.asked.length, other.asked]).toEqual([2, [`POST ${recordsPath}`, 'POST /health/verify']]);
  expect(brokers.current).toBe(other.url);
});

describe('a verification, which spends limits', () => {
  test.each([
    ['breaks the connection', 'reset' as const],
    ['says 503', 503],
  ])('is not repeated when a broker %s; the next one goes elsewhere', async (_name, status) => {
    const [one, other] = [await answering(status), await answering(200)];
    const brokers = new Brokers([one.url, other.url]);
    const first = post(brokers, verifyPath).then(({ status: answered }) => answered);
    if (status === 'reset') await expect(first).rejects.toThrow();
    else expect(await first).toBe(503);
    expect(other.asked).toEqual([]);
    expect((await post(brokers, verifyPath)).status).toBe(200);
    expect(one.asked).toHaveLength(1);
  });

  test('is repeated when it was never sent', async () => {
    const other = await answering(200);
    const brokers = new Brokers([`http://127.0.0.1:${await quietPort()}`, other.url]);
    expect((await post(brokers, verifyPath)).status).toBe(200);
  });
});

test.each([502, 503, 504])('%i is an answer that another broker may not give', async (status) => {
  const [one, other] = [await answering(status), await answering(200)];
  expect((await post(new Brokers([one.url, other.url]), recordsPath)).status).toBe(200);
});

test.each([401, 403, 404, 429, 500])('%i is the answer', async (status) => {
  const [one, other] = [await answering(status), await answering(200)];
  expect((await post(new Brokers([one.url, other.url]), recordsPath)).status).toBe(status);
  expect(other.asked).toEqual([]);
});

test('when all fail the last failure is the answer, and each was asked once', async () => {
  const [one, other] = [await answering(503), await answering(503)];
  const brokers = new Brokers([one.url, other.url]);
  expect((await post(brokers, recordsPath)).status).toBe(503);
  expect([one.asked.length, other.asked.length]).toEqual([1, 1]);
  other.status = 'reset';
  one.status = 'reset';
  await expect(post(brokers, recordsPath)).rejects.toThrow();
});

test('the stream begins at the broker in use, and a new one at the next, with all that is asked', async () => {
  const [one, other] = [await answering(200), await answering(200)];
  const brokers = new Brokers([one.url, other.url]);
  expect(brokers.streamBaseUrl()).toBe(one.url);
  await post(brokers, recordsPath);
  expect([brokers.streamBaseUrl(), brokers.current]).toEqual([other.url, other.url]);
  await post(brokers, recordsPath);
  expect([one.asked.length, other.asked.length]).toEqual([1, 1]);
  expect(brokers.streamBaseUrl()).toBe(one.url);
});

test('a call that was cancelled is not repeated', async () => {
  const [one, other] = [await answering('reset'), await answering(200)];
  const brokers = new Brokers([one.url, other.url]);
  const signal = AbortSignal.abort();
  await expect(brokers.fetch(brokers.baseUrl + recordsPath, { signal })).rejects.toThrow();
  expect(other.asked).toEqual([]);
});
