import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../support/broker.ts';
import type { Answer } from '../support/call.ts';
import { expectError, expectViolations } from '../support/errors.ts';
import { keysPath, mint, newOwner, verify } from '../support/keys.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  const faults = broker.logLines.filter((line) => /"level":("error"|50)/.test(line));
  await broker.close();
  expect(faults).toEqual([]);
});

const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  broker.call(`POST ${keysPath}`, { body, headers });

/** A mint whose body is `fields` as they are written here, beside a good owner. */
function postWith(fields: string): Promise<Answer> {
  const { user_id, organization_id } = newOwner();
  return post(`{"user_id":"${user_id}","organization_id":"${organization_id}",${fields}}`);
}

describe('a body that is no JSON', () => {
  test.each([
    '{',
    '{"user_id":}',
    "{'user_id':'a'}",
    '{"user_id":"a",}',
    '{}{}',
    '// {}',
    'undefined',
    'NaN',
    ' ',
    '\u0000',
    '"\ttab"',
    '{"a":"\\x41"}',
    '{"a":01}',
    '['.repeat(60_000),
  ])('INVALID_JSON: %s', async (text) => {
    expectError(await post(text), 400, 'INVALID_JSON');
  });

  test.each([
    ['a byte that never occurs', [0xff]],
    ['a sequence that is cut off', [0xe2, 0x82]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('INVALID_JSON: UTF-8 with %s is not repaired', async (_what, bytes) => {
    const [head, tail] = [Buffer.from('{"name":"'), Buffer.from('"}')];
    expectError(await post(Buffer.concat([head, Buffer.from(bytes), tail])), 400, 'INVALID_JSON');
  });

  test('INVALID_JSON: UTF-16', async () => {
    expectError(await post(Buffer.from('{"user_id":"a"}', 'utf16le')), 400, 'INVALID_JSON');
  });

  test.each(['null', '[]', '"text"', '1', 'true', '[{}]'])(
    'VALIDATION_ERROR: %s is no object',
    async (text) => {
      expectViolations(await post(text), '');
    },
  );
});

describe('a body of another kind', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    'json',
  ])('UNSUPPORTED_MEDIA_TYPE: %s', async (type) => {
    expectError(await post('{}', { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test.each(['gzip', 'deflate', 'br', 'zstd', 'x'])(
    'UNSUPPORTED_MEDIA_TYPE: JSON under content-encoding %s',
    async (encoding) => {
      const answer = await post(gzipSync('{}'), { 'content-encoding': encoding });
      expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    },
  );

  test('a charset in another spelling is still JSON', async () => {
    const answer = await post(newOwner(), { 'content-type': 'Application/JSON; Charset="UTF-8"' });
    expect(answer.status).toBe(201);
  });
});

describe('a body that is too large', () => {
  const bytesMax = 65_536;

  test('64 KiB are taken, one byte more is not, and the connection is not used on', async () => {
    const text = JSON.stringify(newOwner());
    expect((await post(text.padEnd(bytesMax))).status).toBe(201);
    const answer = await post(text.padEnd(bytesMax + 1));
    expectError(answer, 413, 'PAYLOAD_TOO_LARGE');
    expect(answer.headers.get('connection')).toBe('close');
  });

  test('the answer to a bad body is not larger than a body may be itself', async () => {
    const keys = Array(100).fill({ key: 'x', scopes: Array(64).fill('') });
    const answer = await broker.call(`POST ${keysPath}/verify/batch`, { body: { keys } });
    expectError(answer, 422, 'VALIDATION_ERROR');
    expect(JSON.stringify(answer.body).length).toBeLessThan(bytesMax);
  });
});

test.each(['eyJ', 'fl_user_a_', 'Bearer ', 'postgres://a:', '{"a":', '\\u0000'])(
  'a field name that repeats %s does not hold up the process',
  async (text) => {
    const startedMs = performance.now();
    await post(JSON.stringify({ [text.repeat(64_000 / text.length)]: 1 }));
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  },
);

describe('text that Postgres or JSON cannot carry', () => {
  test.each(['\\u0000', 'a\\u0000b', '\\ud800', '\\udc00\\ud800', 'a\\ud83db'])(
    'NUL and lone surrogates are refused wherever they stand: %s',
    async (text) => {
      expectViolations(await postWith(`"name":"${text}"`), 'name');
      expectViolations(await postWith(`"metadata":{"a":["${text}"]}`), 'metadata');
      expectViolations(await postWith(`"metadata":{"${text}":1}`), 'metadata');
      expectViolations(await postWith(`"scopes":["${text}"]`), 'scopes.0');
      expectViolations(await postWith(`"environment":"${text}"`), 'environment');
      expectViolations(await post(`{"user_id":"${text}","organization_id":"o"}`), 'user_id');
      const verdict = await broker.call(`POST ${keysPath}/verify`, {
        body: `{"key":"fl_user_test_${text}"}`,
      });
      expect(verdict.body).toEqual({ valid: false, code: 'MALFORMED' });
    },
  );

  test.each([
    '1e400',
    '-1e400',
    '1e21',
    '9007199254740993',
    '0.1',
    '-1',
    '1e-400',
    'true',
    '"1"',
    'null',
    '[1]',
  ])('the number %s is out of range for a limit', async (number) => {
    expectViolations(
      await postWith(`"rate_limit":{"limit":${number},"window_seconds":60}`),
      'rate_limit.limit',
    );
    expectViolations(await postWith(`"quota":{"limit":${number},"period":"day"}`), 'quota.limit');
    expectViolations(await postWith(`"ttl_seconds":${number}`), 'ttl_seconds');
  });

  test('metadata holds any number that JSON can, and none that it cannot', async () => {
    const minted = await postWith('"metadata":{"a":[1e308,5e-324,-0.1,9007199254740991]}');
    expect(minted.body.metadata).toEqual({ a: [1e308, 5e-324, -0.1, 9007199254740991] });
    const verdict = await verify(broker, minted.body.key);
    expect(verdict.metadata).toEqual(minted.body.metadata);
    expectViolations(await postWith('"metadata":{"a":1e309}'), 'metadata.a');
  });
});

describe('the depth of a body', () => {
  test.each([11, 1_000, 10_000])('metadata %i levels deep is refused', async (depth) => {
    const [open, close] = ['{"a":'.repeat(depth - 1), '}'.repeat(depth - 1)];
    expectViolations(await postWith(`"metadata":${open}{}${close}`), 'metadata');
    const lists = '['.repeat(depth - 1) + ']'.repeat(depth - 1);
    expectViolations(await postWith(`"metadata":{"a":${lists}}`), 'metadata');
  });

  test('ten levels are taken', async () => {
    const answer = await postWith(`"metadata":${'{"a":'.repeat(9)}{}${'}'.repeat(9)}`);
    expect(answer.status).toBe(201);
  });

  test('depth elsewhere is a wrong type like any other', async () => {
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    expectViolations(await postWith(`"name":${deep}`), 'name');
    expectViolations(await postWith(`"surprise":${deep}`), '');
    expectViolations(await post(deep), '');
  });
});

describe('fields with a history', () => {
  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''])(
    'the unknown field %j is refused in a body, inside of one and in a query',
    async (name) => {
      expectViolations(await postWith(`"${name}":{"isAdmin":true}`), '');
      expectViolations(
        await postWith(`"rate_limit":{"limit":1,"window_seconds":1,"${name}":1}`),
        'rate_limit',
      );
      if (name !== '') expectViolations(await broker.call(`GET ${keysPath}?${name}=1`), '');
      expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
    },
  );

  test('metadata may not hide a prototype, at any depth, and may have any other name', async () => {
    expectViolations(await postWith('"metadata":{"__proto__":{"a":1}}'), 'metadata');
    expectViolations(await postWith('"metadata":{"a":[{"__proto__":1}]}'), 'metadata');
    const { key } = await mint(broker, { metadata: { constructor: 1, toString: { a: 1 } } });
    expect((await verify(broker, key)).metadata).toEqual({ constructor: 1, toString: { a: 1 } });
  });
});
