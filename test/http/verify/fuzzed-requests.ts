import type { Random } from '../../support/seeded-random.ts';

/** `isFramed`: a parser finds its end where the next one begins, so exactly one answer follows. */
export type FuzzedRequest = { text: string; isFramed: boolean };

/** Secrets that are worth to be sent. */
export type Secrets = { masterKeys: readonly string[]; keys: readonly string[] };

const verifyPath = '/v1/flowplate/api-keys/verify';
const authorizePath = '/v1/flowplate/authz';
const eol = '\r\n';

/**
 * A request as a gateway sends it, with anything about it changed that a parser might trip over.
 */
export function fuzzedRequest(random: Random, secrets: Secrets): FuzzedRequest {
  const kind = random.weighted({ verify: 6, authorize: 5, other: 1 });
  const request =
    kind === 'authorize' ? authorizeRequest(random, secrets) : verifyRequest(random, secrets, kind);
  return random.below(12) === 0 ? { text: mutated(random, request.text), isFramed: false } : request;
}

function verifyRequest(random: Random, secrets: Secrets, kind: 'verify' | 'other'): FuzzedRequest {
  const line = kind === 'verify' ? `POST ${verifyPath}` : otherLine(random);
  const body = verifyBody(random, secrets);
  const framing = framed(random, body);
  const headers = [
    ...masterKeyHeaders(random, secrets),
    ...usually(random, 'Content-Type: application/json', contentTypes),
    ...rarely(random, accepts),
    ...rarely(random, requestIds),
    ...rarely(random, codings),
    ...rarely(random, strange),
    ...framing.headers,
  ];
  return { text: head(random, line, headers) + framing.body, isFramed: framing.isRight };
}

function authorizeRequest(random: Random, secrets: Secrets): FuzzedRequest {
  const method = random.weighted({ GET: 8, POST: 2, DELETE: 1, OPTIONS: 1 });
  const line = `${method} ${authorizePath}${random.pick(['', '', '/', '/a/b', '?deny=403', '?a=%00'])}`;
  const framing = random.below(12) === 0 ? framed(random, 'body') : noBody;
  const headers = [
    ...masterKeyHeaders(random, secrets),
    ...credentials(random, secrets),
    ...rarely(random, demands),
    ...rarely(random, forwarded),
    ...rarely(random, requestIds),
    ...rarely(random, strange),
    ...framing.headers,
  ];
  return { text: head(random, line, headers) + framing.body, isFramed: framing.isRight };
}

function otherLine(random: Random): string {
  return random.pick([
    `POST ${verifyPath}?a=1`,
    `POST ${verifyPath}/`,
    `POST ${verifyPath.toUpperCase()}`,
    `POST ${verifyPath}/batch`,
    `PUT ${verifyPath}`,
    `GET ${verifyPath}`,
    `POST http://broker${verifyPath}`,
    `POST //v1/flowplate/api-keys/verify`,
    `GET http://broker${authorizePath}`,
    `GET ${authorizePath}x`,
  ]);
}

function head(random: Random, line: string, headers: readonly string[]): string {
  const host =
    random.below(60) === 0 ? random.pick([[], ['Host: a', 'Host: b'], ['host: broker:1']]) : ['Host: broker'];
  const lines = shuffled(random, [...host, ...headers]).map((header) => respelled(random, header));
  return [`${line} HTTP/1.1`, ...lines, '', ''].join(eol);
}

/** Names in any case, blanks around values: all of it the same header. */
function respelled(random: Random, header: string): string {
  const colon = header.indexOf(':');
  const [name, value] = [header.slice(0, colon), header.slice(colon + 1).trim()];
  const spelled = random.pick([name, name, name.toLowerCase(), name.toUpperCase(), oddCase(random, name)]);
  return `${spelled}:${random.pick([' ', ' ', ' ', '', '  ', '\t'])}${value}${random.pick(['', '', '', ' ', '\t '])}`;
}

function oddCase(random: Random, text: string): string {
  return [...text]
    .map((letter) => (random.below(2) === 0 ? letter.toLowerCase() : letter.toUpperCase()))
    .join('');
}

const masterKeyName = 'X-Flowplate-Master-Key';

function masterKeyHeaders(random: Random, { masterKeys }: Secrets): string[] {
  const one = () => `${masterKeyName}: ${random.pick(masterKeys)}`;
  if (random.below(5) > 0) return [`${masterKeyName}: ${masterKeys[0]}`];
  return random.pick([
    () => [],
    () => [one()],
    () => [one(), one()],
    () => [`${masterKeyName}:`, one()],
    () => [`${masterKeyName}: ${random.pick(masterKeys)},${random.pick(masterKeys)}`],
    () => [`X-API-Key: ${random.pick(masterKeys)}`],
    () => [one(), `X-API-Key: ${random.pick(masterKeys)}`],
    () => [`${masterKeyName}-2: ${random.pick(masterKeys)}`],
    () => [`${masterKeyName.replaceAll('-', '_')}: ${random.pick(masterKeys)}`],
  ])();
}

function credentials(random: Random, { keys, masterKeys }: Secrets): string[] {
  const key = () => random.pick([...keys, ...masterKeys, 'x', '']);
  const bearer = () =>
    `Authorization: ${random.pick([
      `Bearer ${key()}`,
      `bearer ${key()}`,
      `BEARER   ${key()}`,
      `Bearer\t${key()}`,
      `Bearer ${key()} ${key()}`,
      `Bearer`,
      `Bearer${key()}`,
      `Bearer-2 ${key()}`,
      `Bearer, ${key()}`,
      `Basic ${Buffer.from(`a:${key()}`).toString('base64')}`,
      `Basic x, Bearer ${key()}`,
      key(),
      '',
    ])}`;
  const apiKey = () =>
    `X-API-Key: ${random.pick([key(), key(), key(), `${key()},${key()}`, `"${key()}"`, `${key()} `])}`;
  return random.pick([
    () => [apiKey()],
    () => [apiKey()],
    () => [bearer()],
    () => [apiKey(), bearer()],
    () => [apiKey(), apiKey()],
    () => [bearer(), bearer()],
    () => [`Cookie: x-api-key=${key()}`],
    () => [`X_API_Key: ${key()}`],
    () => [],
  ])();
}

const contentTypes = [
  'Content-Type: application/json; charset=utf-8',
  'Content-Type: Application/JSON',
  'Content-Type: application/json;charset=iso-8859-1',
  'Content-Type: application/json ;',
  'Content-Type: application/json, text/plain',
  'Content-Type: text/plain',
  'Content-Type: application/jsonp',
  'Content-Type:',
  'Content-Type: application/json\xff',
];
const accepts = [
  'Accept: */*',
  'Accept: application/json',
  'Accept: application/json;q=0',
  'Accept: text/html',
  'Accept: application/problem+json',
  'Accept: application/*, text/html',
  'Accept: application/json; version=2',
  'Accept: */*;q=0',
  'Accept:',
  'Accept: ,',
];
const requestIds = [
  'X-Request-Id: abc-1',
  'X-Request-Id:',
  'X-Request-Id: a b',
  'X-Request-Id: fl_user_test_0000000000000000000000000000000000000000000000',
  `X-Request-Id: ${'a'.repeat(200)}`,
  'X-Request-Id: \xe9',
];
const codings = [
  'Content-Encoding: identity',
  'Content-Encoding: gzip',
  'Content-Encoding: IDENTITY',
  'Content-Encoding:',
  'Content-Encoding: identity, identity',
];
const demands = [
  'X-Flowplate-Required-Scopes: read',
  'X-Flowplate-Required-Scopes: read write',
  'X-Flowplate-Required-Scopes: read,write',
  'X-Flowplate-Required-Scopes: ,\t ,',
  'X-Flowplate-Required-Scopes:',
  'X-Flowplate-Required-Scopes: admin',
  'X-Flowplate-Required-Organization: org_fuzz',
  'X-Flowplate-Required-Organization: org_fuzz, org_other',
  'X-Flowplate-Required-Organization: org_other',
  'X-Flowplate-Required-Environment: test',
  'X-Flowplate-Required-Environment: test,test',
  'X-Flowplate-Required-Environment: prod',
  'X_Flowplate_Required_Scopes: admin',
];
const forwarded = [
  'X-Forwarded-For: 10.1.2.3',
  'X-Forwarded-For: 10.1.2.3, 192.0.2.1',
  'X-Forwarded-For: 192.0.2.1, 10.1.2.3:80',
  'X-Forwarded-For: 10.1.2.3,',
  'X-Forwarded-For: unknown',
  'X-Forwarded-For:',
];
const strange = [
  'Connection: close',
  'Connection: x-flowplate-master-key',
  'Expect: 100-continue',
  'Expect: nothing',
  'Upgrade: websocket',
  'Trailer: x-flowplate-master-key',
  'X-Long: a'.padEnd(2_000, 'a'),
  'constructor: x',
  '__proto__: x',
  'X-High: \x80\xff',
];

function usually(random: Random, header: string, others: readonly string[]): string[] {
  if (random.below(5) > 0) return [header];
  return random.pick([[], [random.pick(others)], [header, random.pick(others)], [header, header]]);
}

function rarely(random: Random, headers: readonly string[]): string[] {
  if (random.below(6) > 0) return [];
  return random.below(3) > 0 ? [random.pick(headers)] : [random.pick(headers), random.pick(headers)];
}

/** Latin-1 text: a character for each byte. */
function verifyBody(random: Random, { keys, masterKeys }: Secrets): string {
  const key = random.pick([...keys, ...masterKeys, 'x', '']);
  const more = random.pick<object>([
    {},
    {},
    { scopes: ['read'] },
    { scopes: ['read', 'admin'] },
    { organization_id: 'org_fuzz' },
    { environment: 'prod' },
    { ip: '10.1.2.3' },
    { cost: 0 },
    { cost: 1.5 },
    { surprise: 1 },
  ]);
  const text = JSON.stringify({ key, ...more });
  if (random.below(4) > 0) return text;
  return random.pick([
    () => '',
    () => `${text} `,
    () => `\n${text}`,
    () => `\xef\xbb\xbf${text}`,
    () => text.slice(0, -1),
    () => `${text}{}`,
    () => text.replace('{', `{"key":"${random.pick(keys)}",`),
    () => text.replace('"key"', '"k\\u0065y"'),
    () => text.replace('}', ',"__proto__":{}}'),
    () => text.replace('"', '\xff"'),
    () => `[${text}]`,
    () => 'null',
    () => `{"keys":[${text},${text}]}`,
    () => text.padEnd(65_536, ' '),
    () => text.padEnd(65_537, ' '),
    () => `${text}\0`,
  ])();
}

type Framing = { headers: string[]; body: string; isRight: boolean };

const noBody: Framing = { headers: [], body: '', isRight: true };

function framed(random: Random, body: string): Framing {
  const kind = random.weighted({ length: 30, chunks: 4, wrong: 2 });
  if (kind === 'length') return { headers: [`Content-Length: ${body.length}`], body, isRight: true };
  if (kind === 'chunks')
    return { headers: ['Transfer-Encoding: chunked'], body: chunked(random, body), isRight: true };
  return { ...wronglyFramed(random, body), isRight: false };
}

function chunked(random: Random, body: string): string {
  const chunks: string[] = [];
  for (let at = 0; at < body.length; ) {
    const size = 1 + random.below(random.pick([4, 100, 70_000]));
    const chunk = body.slice(at, at + size);
    chunks.push(`${chunk.length.toString(16)}${random.pick(['', '', ';a=b'])}${eol}${chunk}${eol}`);
    at += size;
    if (chunks.length > 500)
      return [...chunks, `${(body.length - at).toString(16)}${eol}${body.slice(at)}${eol}0${eol}${eol}`].join(
        '',
      );
  }
  return [...chunks, `0${eol}`, random.pick(['', '', `X-Trailer: a${eol}`]), eol].join('');
}

function wronglyFramed(random: Random, body: string): Pick<Framing, 'headers' | 'body'> {
  const length = body.length;
  return random.pick([
    { headers: [], body },
    { headers: [`Content-Length: ${length + 3}`], body },
    { headers: [`Content-Length: ${Math.max(0, length - 3)}`], body },
    { headers: [`Content-Length: ${length}`, `Content-Length: ${length}`], body },
    { headers: [`Content-Length: ${length}`, `Content-Length: ${length + 1}`], body },
    { headers: [`Content-Length: ${length}, ${length}`], body },
    { headers: [`Content-Length: +${length}`], body },
    { headers: [`Content-Length: 00${length}`], body },
    { headers: [`Content-Length: 0x${length.toString(16)}`], body },
    { headers: [`Content-Length: ${length}.0`], body },
    { headers: [`Content-Length: 1e3`], body },
    { headers: ['Content-Length:'], body },
    { headers: [`Content-Length: ${length}`, 'Transfer-Encoding: chunked'], body: chunked(random, body) },
    { headers: [`Content-Length: ${length}`, 'Transfer-Encoding: identity'], body },
    { headers: ['Transfer-Encoding: gzip, chunked'], body: chunked(random, body) },
    { headers: ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], body: chunked(random, body) },
    { headers: ['Transfer-Encoding: CHUNKED'], body: chunked(random, body) },
    { headers: ['Transfer-Encoding: chunked'], body },
  ]);
}

/** Bytes changed, lost, doubled or put in anywhere. */
function mutated(random: Random, text: string): string {
  let bytes = text.slice(0, 8_000);
  for (let change = 0; change <= random.below(3); change++) {
    const at = random.below(bytes.length);
    const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
    bytes = random.pick([
      () => before + String.fromCharCode(random.below(256)) + after.slice(1),
      () => before + after.slice(1 + random.below(20)),
      () => before + after.slice(0, random.below(40)) + after,
      () => before + random.pick(['\r', '\n', '\0', ' ', ':', ',', eol, `${eol} `, '\x0b', '\xa0']) + after,
      () => before + after.replace(eol, random.pick(['\n', '\r', '', `${eol}${eol}`])),
    ])();
  }
  return bytes;
}

function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
