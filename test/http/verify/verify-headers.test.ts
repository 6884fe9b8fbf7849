import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { keysPath, type Minted, mint, refreshed, revoke, update, verify } from '../../support/keys.ts';
import { sendRaw, statusesOf } from '../../support/raw-request.ts';

let broker: TestBroker;
let minted: Minted;
beforeAll(async () => {
  broker = await startBroker();
  minted = await mint(broker);
});
afterAll(() => broker.close());

/** A verification with these headers and nothing else, on a connection of its own. */
function post(headers: Record<string, string>, body = JSON.stringify({ key: minted.key })): Promise<string> {
  const all = {
    Host: 'broker',
    Connection: 'close',
    'X-Flowplate-Master-Key': broker.masterKey,
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return sendRaw(broker.url, `POST ${keysPath}/verify HTTP/1.1\r\n${head.join('')}\r\n${body}`);
}

const length = () => String(JSON.stringify({ key: minted.key }).length);
const bodyOf = (received: string) => received.slice(received.indexOf('\r\n\r\n') + 4);

const json = { 'Content-Type': 'application/json' };

describe('a verification with the headers that gateways send is answered', () => {
  test.each<Record<string, string>>([
    json,
    { 'content-type': 'application/json; charset=utf-8' },
    { ...json, Accept: '*/*' },
    { ...json, Accept: 'application/json', 'X-Request-Id': 'mine', 'User-Agent': 'x', 'X-Other': 'y' },
  ])('%j', async (headers) => {
    const received = await post({ ...headers, 'Content-Length': length() });
    expect(statusesOf(received)).toEqual([200]);
    expect(JSON.parse(bodyOf(received))).toEqual(await verify(broker, minted.key));
  });
});

describe('a verification with other headers is answered or refused like any other request', () => {
  test.each<[number, Record<string, string>]>([
    [200, { 'Content-Type': 'application/json;charset=UTF-8' }],
    [200, { 'Content-Type': 'Application/JSON' }],
    [200, { ...json, Accept: 'text/html, application/*;q=0.5' }],
    [200, { ...json, 'Content-Encoding': 'identity' }],
    [200, { ...json, Accept: 'text/html' }],
    [200, { ...json, Accept: 'application/json; charset=utf-8' }],
    [200, { ...json, 'Content-Encoding': 'Identity' }],
    [415, {}],
    [415, { 'Content-Type': 'text/plain' }],
    [415, { 'Content-Type': 'application/json-seq' }],
    [415, { ...json, 'Content-Encoding': 'gzip' }],
  ])('%i for %j', async (status, headers) => {
    const received = await post({ ...headers, 'Content-Length': length() });
    expect(statusesOf(received)).toEqual([status]);
    const answer = JSON.parse(bodyOf(received));
    if (status === 200) expect(answer).toEqual(await verify(broker, minted.key));
  });

  test('a body in chunks is read, and one of no or too great a length is refused', async () => {
    const chunked = { ...json, 'Transfer-Encoding': 'chunked' };
    const body = JSON.stringify({ key: minted.key });
    const received = await post(chunked, `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    expect(statusesOf(received)).toEqual([200]);
    for (const [size, status] of [
      ['0', 422],
      ['65537', 413],
    ] as const) {
      expect(statusesOf(await post({ ...json, 'Content-Length': size }, ''))).toEqual([status]);
    }
  });

  test('an x-request-id that is sent twice is none', async () => {
    const headers = { ...json, 'Content-Length': length(), 'X-Request-Id': 'first' };
    expect(await post(headers)).toMatch(/^x-request-id: first\r$/im);
    expect(await post({ ...headers, 'x-request-id': 'second' })).toMatch(/^x-request-id: req_\w+\r$/im);
  });
});

describe('an answer that is kept in memory', () => {
  test('says the same each time, byte for byte', async () => {
    const plain = { ...json, 'Content-Length': length() };
    const [first, ...others] = [await post(plain), await post(plain), await post(plain)];
    expect(others.map(bodyOf)).toEqual([bodyOf(first ?? ''), bodyOf(first ?? '')]);
  });

  test('has its length in bytes, for any content', async () => {
    const metadata = { latin: 'é', greek: 'λ', key: '🔑' };
    const { key } = await mint(broker, { metadata });
    for (let call = 0; call < 3; call++) expect((await verify(broker, key)).metadata).toEqual(metadata);
  });

  test('ends with a change of its key', async () => {
    const { key, key_id } = await mint(broker, { metadata: { plan: 'free' } });
    for (let call = 0; call < 3; call++)
      expect((await verify(broker, key)).metadata).toEqual({ plan: 'free' });
    await update(broker, key_id, { metadata: { plan: 'pro' } });
    expect((await verify(broker, key)).metadata).toEqual({ plan: 'pro' });
  });

  test('ends with a refresh and with the revoke of its key', async () => {
    const old = await mint(broker);
    for (let call = 0; call < 3; call++) expect((await verify(broker, old.key)).code).toBe('VALID');
    const successor = await refreshed(broker, old, { grace_period_seconds: 60 });
    expect(await verify(broker, old.key)).toMatchObject({ code: 'SUPERSEDED', key_id: old.key_id });
    expect(await verify(broker, successor.key)).toMatchObject({ code: 'VALID', key_id: successor.key_id });
    await revoke(broker, old.key_id);
    expect(await verify(broker, old.key)).toEqual({ valid: false, code: 'REVOKED' });
  });

  test("refuses requests beyond the key's rights, and keeps admitting the others", async () => {
    const { key } = await mint(broker, { scopes: ['read'] });
    for (let call = 0; call < 3; call++) {
      expect((await verify(broker, key, { scopes: ['read'] })).code).toBe('VALID');
      expect(await verify(broker, key, { scopes: ['write'] })).toEqual({
        valid: false,
        code: 'INSUFFICIENT_SCOPE',
      });
    }
  });
});
