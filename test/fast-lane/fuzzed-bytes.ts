import type { Random } from '../support/seeded-random.ts';

/** Bytes on one connection, Latin-1, in the pieces in which they arrive. */
export type FuzzedBytes = { pieces: string[]; requests: number };

const eol = '\r\n';

type Parts = { line: string; headers: string[]; body: string };

/**
 * Pipelined requests that the lane takes, and in most cases one that has been twisted: what comes
 * before it and behind it tells whether a byte was left or taken.
 */
export function fuzzedBytes(random: Random): FuzzedBytes {
  const requests = Array.from({ length: 1 + random.below(8) }, () => plainText(random));
  if (random.below(4) > 0) requests[random.below(requests.length)] = twistedText(random);
  return { pieces: cut(random, requests), requests: requests.length };
}

function plainText(random: Random): string {
  return random.below(40) === 0 ? twistedText(random) : textOf(plainRequest(random));
}

function twistedText(random: Random): string {
  const parts = plainRequest(random);
  for (let count = random.pick([0, 1, 1, 1, 2, 3]); count > 0; count--)
    random.pick(partTwists)(random, parts);
  const text = textOf(parts);
  return random.below(4) === 0 ? random.pick(textTwists)(random, text) : text;
}

function textOf({ line, headers, body }: Parts): string {
  return [line, ...headers, '', body].join(eol);
}

function plainRequest(random: Random): Parts {
  const kind = random.weighted({ get: 30, post: 30, other: 1 });
  const headers = ['Host: broker', ...some(random, plainHeaders)];
  if (kind === 'get') return { line: `GET /ask${random.pick(queries)} HTTP/1.1`, headers, body: '' };
  const body = random.pick(bodies);
  const line = kind === 'post' ? 'POST /tell HTTP/1.1' : random.pick(otherLines);
  return { line, headers: shuffled(random, [...headers, `Content-Length: ${body.length}`]), body };
}

/** Requests that hide in bodies: a reader that loses its place answers them. */
const smuggled = `GET /ask?smuggled HTTP/1.1${eol}Host: broker${eol}${eol}`;

const queries = ['', '', '', '?deny=403', '?a=b&c=%20', '?', "?-._~!$&'()*+,;=:@/?"];
const bodies = [
  '{"key":"x"}',
  '{}',
  'a',
  smuggled,
  `0${eol}${eol}`,
  `5${eol}hello${eol}0${eol}${eol}`,
  '\xff\0\r\n',
  'b'.repeat(300),
];
const otherLines = [
  'POST /else HTTP/1.1',
  'PUT /ask HTTP/1.1',
  'POST /tell?a HTTP/1.1',
  'DELETE /tell HTTP/1.1',
];
const plainHeaders = [
  'X-Key: abc',
  'x-key:abc  ',
  'X-KEY:   a b c',
  'X-Key: later',
  'Accept: */*',
  'aCCept:',
  'User-Agent: fuzz (x; y) "z"',
  'X-Forwarded-For: 10.0.0.1, 10.0.0.2',
  'Cookie: a=b; c=d',
  "!#$%&'*+-.^_`|~09: token",
  'Connection: keep-alive',
  'connection:Keep-Alive ',
  'Content-Type: application/json',
];

type PartTwist = (random: Random, parts: Parts) => void;

const partTwists: readonly PartTwist[] = [
  // Lengths with two readings.
  (random, parts) => addHeader(random, parts, `Transfer-Encoding: ${random.pick(codings)}`),
  (random, parts) => addHeader(random, parts, random.pick(hiddenCodings)),
  (random, parts) => {
    addHeader(random, parts, 'Transfer-Encoding: chunked');
    parts.body = chunked(random, parts.body);
  },
  (random, parts) => {
    without(parts, 'content-length');
    addHeader(random, parts, 'Transfer-Encoding: chunked');
    parts.body = chunked(random, parts.body);
  },
  (random, parts) => addHeader(random, parts, `Content-Length: ${random.pick(lengths)(parts.body.length)}`),
  (random, parts) => {
    without(parts, 'content-length');
    addHeader(random, parts, `${random.pick(lengthNames)} ${random.pick(lengths)(parts.body.length)}`);
  },
  (_random, parts) => without(parts, 'content-length'),
  (random, parts) => {
    parts.body += random.pick(['x', eol, smuggled, '\n']);
  },
  (random, parts) => {
    parts.body = parts.body.slice(0, random.below(parts.body.length + 1));
  },
  // Hosts, lines and names.
  (random, parts) =>
    addHeader(random, parts, random.pick(['Host: other', 'hOST: broker', 'Host:', 'Host : broker'])),
  (_random, parts) => without(parts, 'host'),
  (random, parts) => addHeader(random, parts, random.pick(strangeLines)),
  (random, parts) => addHeader(random, parts, random.pick(hopByHop)),
  (random, parts) => addHeader(random, parts, random.pick(['X-Key: second', 'x-key: abc', 'X-KEY:'])),
  (random, parts) => {
    parts.line = random.pick(strangeRequestLines)(parts.line);
  },
  // Too much.
  (random, parts) =>
    addHeader(random, parts, `X-Long: ${'a'.repeat(random.pick([7_000, 8_192, 15_000, 17_000]))}`),
  (random, parts) => {
    for (let count = random.pick([90, 101, 130]); count > 0; count--) parts.headers.push(`X-${count}: a`);
  },
];

const codings = [
  'chunked',
  'identity',
  'gzip, chunked',
  'chunked, identity',
  'CHUNKED',
  ' chunked ',
  '\tchunked',
  '',
  'xchunked',
  'chunked;q=1',
];
const hiddenCodings = [
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  `X-Fold: a${eol} Transfer-Encoding: chunked`,
  `X-Fold:${eol}\tchunked`,
  'X: a\nTransfer-Encoding: chunked',
  'X: a\rTransfer-Encoding: chunked',
  'X: a\0Transfer-Encoding: chunked',
  'Transfer-Encoding\0: chunked',
  'Transfer-Encoding\x0b: chunked',
  'Transfer-Encod\xefng: chunked',
  '\xffTransfer-Encoding: chunked',
];
const lengthNames = [
  'Content-Length:',
  'content-length:',
  'CONTENT-LENGTH:',
  'Content-Length :',
  'Content_Length:',
  'Content-Length',
];
const lengths: readonly ((length: number) => string)[] = [
  (length) => `${length}`,
  (length) => `${length + 1}`,
  (length) => `${Math.max(0, length - 1)}`,
  (length) => `+${length}`,
  (length) => `-${length}`,
  (length) => `0${length}`,
  (length) => `0x${length.toString(16)}`,
  (length) => `${length}, ${length}`,
  (length) => `${length},`,
  (length) => `${length} ${length}`,
  (length) => `${length}.0`,
  (length) => `${length}\t`,
  (length) => `\t${length}`,
  (length) => `${length}  `,
  () => '',
  () => '0',
  () => '00',
  () => '1e1',
  () => '8193',
  () => '99999',
  () => '100000',
  () => '18446744073709551617',
  (length) => `${length}\x0b`,
  (length) => `\xa0${length}`,
];
const strangeLines = [
  ': no name',
  'No-Colon',
  'X-Tab:\ta\tb\t',
  'X-Nul: a\0b',
  'X-High: \x80\xff',
  'X-Del: \x7f',
  'X-Control: \x01',
  'X-\xe9: a',
  'X Y: a',
  'X-Cr: a\r',
  'X-Empty:',
  'constructor: x',
  '__proto__: x',
  '',
];
const hopByHop = [
  'Connection: close',
  'Connection: keep-alive, x-key',
  'Connection: keep-alive, close',
  'Connection:',
  'Connection: Keep-Alive',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: something',
  'Trailer: x-key',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: close',
  'Proxy-Connection: keep-alive',
];
const strangeRequestLines: readonly ((line: string) => string)[] = [
  (line) => line.replace('HTTP/1.1', 'HTTP/1.0'),
  (line) => line.replace('HTTP/1.1', 'HTTP/1.2'),
  (line) => line.replace('HTTP/1.1', 'HTTP/2.0'),
  (line) => line.replace('HTTP/1.1', 'http/1.1'),
  (line) => line.replace(' HTTP/1.1', ''),
  (line) => line.replace(' HTTP', '  HTTP'),
  (line) => line.replace(' /', '  /'),
  (line) => line.replace(' /', '\t/'),
  (line) => line.replace(' /', ' http://broker/'),
  (line) => line.replace(' HTTP', '? HTTP'),
  (line) => line.replace(' HTTP', '?a#b HTTP'),
  (line) => line.replace(' HTTP', '?a b HTTP'),
  (line) => line.replace(' HTTP', '?\x80 HTTP'),
  (line) => line.replace(' HTTP', '/ HTTP'),
  (line) => line.replace(' HTTP', '%2f HTTP'),
  (line) => line.replace(' HTTP', 's HTTP'),
  (line) => line.replace(' HTTP', ' HTTP\r'),
  (line) => `${line} `,
  (line) => `${eol}${line}`,
  (line) => `\n${line}`,
  (line) => ` ${line}`,
  (line) => line.toLowerCase(),
  (line) => line.replace(/^\w+/, 'HEAD'),
  (line) => line.replace(/^\w+/, 'OPTIONS'),
  (line) => line.replace(/^\w+/, 'GET'),
  (line) => line.replace(/^\w+/, 'POST'),
];

type TextTwist = (random: Random, text: string) => string;

const textTwists: readonly TextTwist[] = [
  (_random, text) => text.replaceAll(eol, '\n'),
  (random, text) => atAny(random, text, eol, '\n'),
  (random, text) => atAny(random, text, eol, '\r'),
  (random, text) => atAny(random, text, eol, '\r\r\n'),
  (random, text) => atAny(random, text, eol, `${eol}${eol}`),
  (random, text) => atAny(random, text, eol, ` ${eol}`),
  (random, text) => atAny(random, text, ':', ' :'),
  (random, text) => spliced(random, text, 0, String.fromCharCode(random.below(256))),
  (random, text) => spliced(random, text, 1, String.fromCharCode(random.below(256))),
  (random, text) => spliced(random, text, 1 + random.below(20), ''),
  (random, text) => spliced(random, text, 0, text.slice(random.below(text.length)).slice(0, 40)),
];

function atAny(random: Random, text: string, wanted: string, replacement: string): string {
  const parts = text.split(wanted);
  const at = 1 + random.below(Math.max(1, parts.length - 1));
  return [parts.slice(0, at).join(wanted), parts.slice(at).join(wanted)].join(replacement);
}

function spliced(random: Random, text: string, count: number, put: string): string {
  const at = random.below(text.length);
  return text.slice(0, at) + put + text.slice(at + count);
}

function addHeader(random: Random, { headers }: Parts, header: string): void {
  headers.splice(random.below(headers.length + 1), 0, header);
}

function without(parts: Parts, name: string): void {
  parts.headers = parts.headers.filter((header) => !header.toLowerCase().startsWith(`${name}:`));
}

function chunked(random: Random, body: string): string {
  const extension = random.pick(['', '', ';a=b', ';a="b;c"', ' ']);
  const chunk = body === '' ? '' : `${body.length.toString(16)}${extension}${eol}${body}${eol}`;
  return `${chunk}0${eol}${random.pick(['', '', `X-Trailer: a${eol}`])}${eol}`;
}

function some<Item>(random: Random, items: readonly Item[]): Item[] {
  return Array.from({ length: random.below(5) }, () => random.pick(items));
}

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}

/** As one piece, at any places, at every byte, or a request a piece. */
function cut(random: Random, requests: readonly string[]): string[] {
  const text = requests.join('');
  const how = random.weighted({ whole: 8, requests: 8, places: 3, bytes: 1 });
  if (how === 'requests') return [...requests];
  if (how === 'bytes' && text.length < 1_500) return [...text];
  const places =
    how === 'whole' ? [] : Array.from({ length: 1 + random.below(4) }, () => random.below(text.length));
  const bounds = [0, ...places.sort((a, b) => a - b), text.length];
  return bounds
    .slice(1)
    .map((end, index) => text.slice(bounds[index], end))
    .filter((piece) => piece !== '');
}
