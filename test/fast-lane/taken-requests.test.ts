import { describe, expect, test } from 'vitest';
import { KnownEndpoint } from '../../src/fast-lane/known-endpoint.ts';
import { readRequest } from '../../src/fast-lane/read-request.ts';

const endpoints = [
  known({ method: 'GET', path: '/ask', takesQuery: true, bodyBytesMax: 0 }),
  known({ method: 'POST', path: '/tell', takesQuery: false, bodyBytesMax: 100 }),
];

function known(how: { method: 'GET' | 'POST'; path: string; takesQuery: boolean; bodyBytesMax: number }) {
  return new KnownEndpoint({ ...how, headerNames: ['x-key', 'accept'], answer: () => undefined });
}

function read(text: string, from = 0) {
  const found = readRequest(endpoints, Buffer.from(text, 'latin1'), from);
  if (found === undefined) return undefined;
  const { method, url, rawHeaders, body, end } = found;
  return { method, url, rawHeaders, body: body.toString('latin1'), end };
}

const get = (...headers: string[]) => ['GET /ask HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n');
const post = (length: string, body: string, ...headers: string[]) =>
  ['POST /tell HTTP/1.1', 'Host: a', ...headers, `Content-Length: ${length}`, '', body].join('\r\n');

describe('taken', () => {
  test('a GET, with the headers that the endpoint named, in lower case and without blanks around', () => {
    const text = get('X-KEY:  a b  ', 'User-Agent: x', 'accept:');
    expect(read(text)).toEqual({
      method: 'GET',
      url: '/ask',
      rawHeaders: ['x-key', 'a b', 'accept', ''],
      body: '',
      end: text.length,
    });
  });

  test('a query, and Connection: keep-alive, which is the default', () => {
    const text = get('Connection: Keep-Alive').replace('/ask', '/ask?deny=403&a=%20');
    expect(read(text)).toMatchObject({ url: '/ask?deny=403&a=%20', rawHeaders: [], end: text.length });
  });

  test('a POST with its whole body, and no byte of what follows', () => {
    const text = post('5', 'hello');
    expect(read(`${text}GET`)).toEqual({
      method: 'POST',
      url: '/tell',
      rawHeaders: ['content-length', '5'],
      body: 'hello',
      end: text.length,
    });
  });

  test('the second of two', () => {
    const [first, second] = [get(), post('1', 'x')];
    expect(read(first + second, first.length)).toMatchObject({ body: 'x', end: (first + second).length });
  });
});

describe('left to node:http', () => {
  test.each<[string, string]>([
    ['a head without its last byte', get().slice(0, -1)],
    ['a body without its last byte', post('5', 'hell')],
    ['another method', get().replace('GET', 'HEAD')],
    ['another path', get().replace('/ask', '/asks')],
    ['a path below', get().replace('/ask', '/ask/a')],
    ['another case', get().replace('/ask', '/Ask')],
    ['absolute form', get().replace('/ask', 'http://a/ask')],
    ['a query on a POST', post('1', 'x').replace('/tell', '/tell?a')],
    ['a fragment', get().replace('/ask', '/ask?a#b')],
    ['HTTP/1.0', get().replace('1.1', '1.0')],
    ['two blanks', get().replace(' HTTP', '  HTTP')],
    ['an empty line before', `\r\n${get()}`],
    ['line ends without CR', get().replaceAll('\r', '')],
    ['line ends without LF', get().replaceAll('\n', '')],
    ['an end without CR', get().replace(/\r\n$/, '\n')],
    ['no Host', get().replace('Host', 'Hosts')],
    ['two Hosts', get('hOST: a')],
    ['a folded header', get('X-Fold: a', ' b')],
    ['a blank before the colon', get('X-Key : a')],
    ['a header without a colon', get('X-Key')],
    ['a header without a name', get(': a')],
    ['a tab in a value', get('X-Other: a\tb')],
    ['a NUL in a value', get('X-Other: a\0b')],
    ['a bare CR in a value', get('X-Other: a\rb')],
    ['0x7f in a value', get('X-Other: a\x7fb')],
    ['0x80 in a value', get('X-Other: a\x80b')],
    ['0x80 in a name', get('X-Oth\x80r: a')],
    ['a named header twice', get('X-Key: a', 'x-key: a')],
    ['Connection: close', get('Connection: close')],
    ['Connection: keep-alive, x-key', get('Connection: keep-alive, x-key')],
    ['Connection twice', get('Connection: keep-alive', 'Connection: keep-alive')],
    ...[
      'Transfer-Encoding: chunked',
      'transfer-encoding: identity',
      'Expect: 100-continue',
      'Upgrade: h2c',
    ].map((header): [string, string] => [header, get(header)]),
    ...['Trailer: x-key', 'TE: trailers', 'Keep-Alive: timeout=1', 'Proxy-Connection: close'].map(
      (header): [string, string] => [header, get(header)],
    ),
    ['a GET with a length', get('Content-Length: 5')],
    ['a GET with the length 0', get('Content-Length: 0')],
    ['a POST without a length', post('1', '').replace('Content-Length: 1\r\n', '')],
    ['a POST with the length 0', post('0', '')],
    ['a POST with a coding and a length', post('1', 'x', 'Transfer-Encoding: chunked')],
    ['two lengths', post('1', 'x', 'Content-Length: 1')],
    ['a body that is too long', post('101', 'x'.repeat(101))],
    ...['+1', '-1', '01', '0x1', '1.0', '1e0', '1, 1', '1 1', '', '100000'].map(
      (length): [string, string] => [`the length ${JSON.stringify(length)}`, post(length, 'x')],
    ),
    ['a head of more than 8 KiB', get(`X-Other: ${'a'.repeat(8_192)}`)],
    ['more than 100 headers', get(...Array.from({ length: 100 }, (_, at) => `X-${at}: a`))],
  ])('%s', (_what, text) => {
    expect(read(text)).toBeUndefined();
  });
});

test('an endpoint may not name a header that says where a message ends', () => {
  for (const name of ['content-length', 'transfer-encoding', 'host', 'connection']) {
    const endpoint = {
      method: 'GET',
      path: '/',
      takesQuery: false,
      bodyBytesMax: 0,
      answer: () => undefined,
    } as const;
    expect(() => new KnownEndpoint({ ...endpoint, headerNames: [name] })).toThrow();
  }
});
