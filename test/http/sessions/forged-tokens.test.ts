import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { bootstrapped } from '../../support/platform-users.ts';

let broker: TestBroker;
let parts: string[];
beforeAll(async () => {
  broker = await startBroker();
  parts = (await bootstrapped(broker)).token.split('.');
});
afterAll(() => broker.close());

const encode = (text: string) => Buffer.from(text).toString('base64url');

async function statusOf(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await broker.call('GET /api/v1/platform/auth/me', { as: null, headers })).status;
}

/** Changes of the header, each of which some library has believed (RFC 8725). */
const headers: Record<string, object> = {
  'no algorithm': { alg: 'none' },
  'no algorithm, in another case': { alg: 'nOnE' },
  'a symmetric one': { alg: 'HS256' },
  'an algorithm that is a list': { alg: ['EdDSA'] },
  'an algorithm that is an object': { alg: {} },
  'a path for a key': { kid: '../../../../dev/null' },
  'a statement for a key': { kid: "' OR 1=1 --" },
  'a key that is a number': { kid: 1 },
  'a key that is a list': { kid: ['x'] },
  'a key that every object has': { kid: '__proto__' },
  'no key': { kid: null },
  'a key of its own': { jwk: { kty: 'oct', k: 'AA' }, jku: 'http://127.0.0.1:1/' },
  'something critical that is not known': { crit: ['x'], x: 1 },
  'nothing critical': { crit: [] },
  'an unencoded payload': { crit: ['b64'], b64: false },
  'a compressed payload': { zip: 'DEF' },
  'a type that is a number': { typ: 5 },
};

test.each(Object.entries(headers))('a token with %s is none', async (_what, changed) => {
  const [header = '', payload, signature] = parts;
  const known = JSON.parse(Buffer.from(header, 'base64url').toString());
  const forged = encode(JSON.stringify({ ...known, ...changed }));
  for (const end of [signature, '', 'AAAA']) expect(await statusOf(`${forged}.${payload}.${end}`)).toBe(401);
});

test('a token of another shape is none, and no fault of ours', async () => {
  const [header, payload, signature] = parts;
  const shapes = [
    `${header}..${signature}`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.x`,
    `${header}.${payload}.${signature}.x.y`,
    '..',
    `${header}=.${payload}.${signature}`,
    `${header}.${'A'.repeat(3_500)}.${signature}`,
    'a'.repeat(14_000),
    `é.${payload}.${signature}`,
    ...['[]', 'null', '"x"', '1', '\u0000', '['.repeat(1_000)].map(
      (text) => `${encode(text)}.${payload}.${signature}`,
    ),
    `${encode('{"alg":"none","alg":"EdDSA"}')}.${payload}.${signature}`,
  ];
  for (const shape of shapes) expect(await statusOf(shape), shape.slice(0, 60)).toBe(401);
  expect(broker.logLines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  expect(await statusOf(parts.join('.'))).toBe(200);
});
