import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { keysPath, mint, newOwner } from '../support/keys.ts';
import { sendRaw, statusesOf } from '../support/raw-request.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  const faults = broker.logLines.filter((line) => /"level":("error"|50)/.test(line));
  await broker.close();
  expect(faults).toEqual([]);
});

const eol = '\r\n';

/** A request of these lines, with the master key, and `body` behind them. */
function request(lines: string[], body = ''): string {
  return [...lines, `x-flowplate-master-key: ${broker.masterKey}`, '', body].join(eol);
}

const mintLines = (...more: string[]) => [
  `POST ${keysPath} HTTP/1.1`,
  'Host: broker',
  'Content-Type: application/json',
  ...more,
];

/**
 * Bytes that a proxy may take for the body of the first request. They must never be answered as a
 * second one.
 */
const smuggled = `DELETE ${keysPath}/user/victim HTTP/1.1${eol}Host: broker${eol}${eol}`;

async function statuses(bytes: string | Buffer): Promise<number[]> {
  return statusesOf(await sendRaw(broker.url, bytes));
}

describe('a message whose end is in doubt is refused, and nothing behind it is taken for a request', () => {
  test.each<[string, string[], string]>([
    [
      'Content-Length and Transfer-Encoding',
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0${eol}${eol}`,
    ],
    [
      'Transfer-Encoding and Content-Length',
      ['Transfer-Encoding: chunked', 'Content-Length: 4'],
      `0${eol}${eol}`,
    ],
    ['two different lengths', ['Content-Length: 2', 'Content-Length: 60'], '{}'],
    ['a list of lengths', ['Content-Length: 2, 60'], '{}'],
    ['a signed length', ['Content-Length: +2'], '{}'],
    ['a negative length', ['Content-Length: -2'], '{}'],
    ['a hexadecimal length', ['Content-Length: 0x2'], '{}'],
    ['a length beyond any number', [`Content-Length: ${'9'.repeat(30)}`], '{}'],
    ['a space before the colon', ['Content-Length : 2'], '{}'],
    ['an unknown transfer coding', ['Transfer-Encoding: xchunked'], '{}'],
    ['chunked that is not last', ['Transfer-Encoding: chunked, identity'], `0${eol}${eol}`],
    ['two transfer codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], `0${eol}${eol}`],
    ['a chunk size that is none', ['Transfer-Encoding: chunked'], `zz${eol}{}${eol}0${eol}${eol}`],
    ['a chunk longer than it says', ['Transfer-Encoding: chunked'], `1${eol}{}${eol}0${eol}${eol}`],
    ['a chunk size beyond any number', ['Transfer-Encoding: chunked'], `${'f'.repeat(20)}${eol}{}${eol}`],
    ['a folded header', ['X-Folded: a', ' Transfer-Encoding: chunked', 'Content-Length: 2'], '{}'],
    ['a header without a name', [': value', 'Content-Length: 2'], '{}'],
    ['a NUL in a header', ['X-Nul: a\0b', 'Content-Length: 2'], '{}'],
    ['a bare CR in a header', ['X-Cr: a\rTransfer-Encoding: chunked', 'Content-Length: 2'], '{}'],
    ['no Host', ['Content-Length: 2'], '{}'],
    ['two Hosts', ['Host: other', 'Content-Length: 2'], '{}'],
  ])('%s', async (what, lines, body) => {
    const head = what === 'no Host' ? mintLines().filter((line) => !line.startsWith('Host')) : mintLines();
    const received = await statuses(request([...head, ...lines], body + smuggled));
    expect(received).toHaveLength(1);
    expect(received[0]).toBeGreaterThanOrEqual(400);
    expect(received[0]).toBeLessThan(500);
  });
});

describe('a message that is too much', () => {
  test.each([
    ['one header of 20 KiB', [`X-Long: ${'a'.repeat(20_480)}`]],
    ['3,000 headers', Array.from({ length: 3_000 }, (_, index) => `X-${index}: a`)],
  ])('431: %s', async (_what, lines) => {
    expect(await statuses(request(mintLines(...lines)))).toEqual([431]);
  });

  test('431: an address of 20 KiB', async () => {
    const lines = [`GET ${keysPath}?cursor=${'a'.repeat(20_480)} HTTP/1.1`, 'Host: broker'];
    expect(await statuses(request(lines))).toEqual([431]);
  });

  test('413: chunks that add up to more than 64 KiB, and the connection ends', async () => {
    const chunk = `4000${eol}${' '.repeat(0x4000)}${eol}`;
    const received = await sendRaw(
      broker.url,
      request(mintLines('Transfer-Encoding: chunked'), `${chunk.repeat(5)}0${eol}${eol}${smuggled}`),
    );
    expect(statusesOf(received)).toEqual([413]);
    expect(received).toMatch(/^connection: close\r$/im);
    expect(received).toContain('"PAYLOAD_TOO_LARGE"');
  });

  test('413: a length of 10 GB is refused before anything of it has come', async () => {
    const lines = mintLines('Content-Length: 10000000000', 'Expect: 100-continue');
    expect((await statuses(request(lines))).filter((status) => status !== 100)).toEqual([413]);
  });
});

describe('odd but clear messages get a documented answer', () => {
  test('chunks within the bound are a body like any other', async () => {
    const body = JSON.stringify(newOwner());
    const chunks = [...body].map((letter) => `1;ext=1${eol}${letter}${eol}`).join('');
    const lines = mintLines('Transfer-Encoding: chunked', 'Connection: close');
    expect(await statuses(request(lines, `${chunks}0${eol}${eol}`))).toEqual([201]);
  });

  test.each<[string, number]>([
    ['GET /v1/flowplate/../../etc/passwd HTTP/1.1', 404],
    ['GET //v1/flowplate/api-keys HTTP/1.1', 404],
    ['GET http://elsewhere/v1/nowhere HTTP/1.1', 404],
    ['OPTIONS * HTTP/1.1', 404],
    ['GET /v1/flowplate/api-keys/%2e%2e HTTP/1.1', 404],
    ['GET /v1/flowplate/api-keys?limit=%zz HTTP/1.1', 422],
    ['GET /v1/flowplate/api-keys/\u00e9 HTTP/1.1', 400],
  ])('%s is answered with %i', async (line, status) => {
    const sent = Buffer.from(request([line, 'Host: broker', 'Connection: close']), 'latin1');
    expect(await statuses(sent)).toEqual([status]);
  });

  test.each(['GET /x HTTP/9.9', 'get /x HTTP/1.1', 'GET /x y HTTP/1.1', '\x16\x03\x01'])(
    '400: %j is no request line',
    async (line) => {
      expect(await statuses(request([line, 'Host: broker', 'Connection: close']))).toEqual([400]);
    },
  );

  test('a body on a GET is checked like any other', async () => {
    const lines = [
      `GET ${keysPath} HTTP/1.1`,
      'Host: broker',
      'Content-Type: application/json',
      'Connection: close',
    ];
    expect(await statuses(request([...lines, 'Content-Length: 2'], '{}'))).toEqual([200]);
    expect(await statuses(request([...lines, 'Content-Length: 7'], '{"a":1}'))).toEqual([422]);
  });

  test('a client that leaves in the middle of its body leaves nothing behind', async () => {
    const owner = newOwner();
    const body = JSON.stringify(owner);
    await sendRaw(broker.url, request(mintLines(`Content-Length: ${body.length + 1}`), body), {
      thenLeave: true,
    });
    await mint(broker, owner);
  });
});

describe('a body that is refused while it arrives is not carried out', () => {
  const chunk = (text: string) => `${text.length.toString(16)}${eol}${text}${eol}`;
  test.each<[string, number, string, string[]]>([
    ['of another type', 415, 'text/plain', []],
    ['whose JSON is whole before it becomes too large', 413, 'application/json', [' '.repeat(65_536)]],
  ])('%s', async (_what, status, type, more) => {
    const owner = newOwner();
    const lines = [`POST ${keysPath} HTTP/1.1`, 'Host: broker', `Content-Type: ${type}`];
    const chunks = [JSON.stringify(owner), ...more].map(chunk).join('');
    const bytes = request([...lines, 'Transfer-Encoding: chunked'], `${chunks}0${eol}${eol}`);
    expect(await statuses(bytes)).toEqual([status]);
    const { body } = await broker.call(`GET ${keysPath}?user_id=${owner.user_id}`);
    expect(body.data).toEqual([]);
  });
});
