import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newSecret, parseSecret } from '../../src/domain/key-format.ts';
import { redact } from '../../src/domain/redact.ts';

const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ';

describe('what remains of', () => {
  test.each(['user', 'master'] as const)('a %s secret is its public prefix', (kind) => {
    const secret = newSecret(kind, 'prod', randomBytes);
    const prefix = parseSecret(secret)?.prefix ?? '';
    expect(redact(secret)).toBe(`${prefix}…`);
    expect(redact(`in the middle (${secret}), and again: ${secret}`)).toBe(
      `in the middle (${prefix}…), and again: ${prefix}…`,
    );
  });

  test.each([
    [jwt, 'eyJ…'],
    [`{"token":"${jwt}"}`, '{"token":"eyJ…"}'],
    ['Authorization: Bearer abcdefgh12345678', 'Authorization: Bearer …'],
    ['authorization: basic dXNlcjpwYXNzd29yZA==', 'authorization: basic …'],
    ['postgres://app:s3cr%3At@db.internal:5432/flowplate', 'postgres://app:…@db.internal:5432/flowplate'],
    ['postgresql://app:secret@db/flowplate', 'postgresql://app:…@db/flowplate'],
    ['redis://:secret@cache:6379/0', 'redis://:…@cache:6379/0'],
    ['rediss://app:secret@cache:6379', 'rediss://app:…@cache:6379'],
    [
      'otpauth://totp/Flowplate%20Keys:a%40b?issuer=Flowplate%20Keys&secret=JBSWY3DPEHPK3PXP&digits=6',
      'otpauth://totp/Flowplate%20Keys:a%40b?issuer=Flowplate%20Keys&secret=…&digits=6',
    ],
    ['recovery code 0a1b-2c3d-4e5f-6g7h was used', 'recovery code … was used'],
    ['0A1B-2C3D-4E5F-6G7H', '…'],
  ])('%s is %s', (text, redacted) => {
    expect(redact(text)).toBe(redacted);
  });
});

test.each([
  'Key not found',
  'fl_user_prod_a1b2c3d4',
  'flk_0123456789abcdefghijkl is no secret',
  'postgres://db.internal:5432/flowplate',
  'GET /v1/flowplate/api-keys?user_id=u1',
  'a UUID: 550e8400-e29b-41d4-a716-446655440000',
  'a traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'days: 2026-03-12, 2026-03-13',
])('what is public stays as it is: %s', (text) => {
  expect(redact(text)).toBe(text);
});

test('redacting twice changes nothing more', () => {
  const text = `${newSecret('user', 'prod', randomBytes)} ${jwt} redis://:secret@cache`;
  expect(redact(redact(text))).toBe(redact(text));
});

describe('a secret is cut down wherever it stands', () => {
  const surroundings = fc.string({ maxLength: 20 });
  const secrets = fc
    .tuple(fc.constantFrom('user' as const, 'master' as const), fc.stringMatching(/^[a-z0-9]{1,16}$/))
    .map(([kind, environment]) => newSecret(kind, environment, randomBytes));

  test.each(['\n', '\t', ' ', '"', "'", '=', '/', '%22', '_', 'x', '\\'])(
    'also directly behind %j, plain and inside JSON',
    (before) => {
      const secret = newSecret('user', 'prod', randomBytes);
      const hidden = secret.slice(-38);
      expect(redact(before + secret)).not.toContain(hidden);
      expect(redact(JSON.stringify({ msg: before + secret }))).not.toContain(hidden);
    },
  );

  test.each([
    ['a bearer token', 'Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['a JWT', jwt, jwt.slice(-20)],
    ['a password of Postgres', 'postgres://app:pass-word@db/flowplate', 'pass-word'],
    ['a password of Redis', 'redis://:pass-word@cache:6379', 'pass-word'],
  ])('%s also at the start of a line, plain and inside JSON', (_what, text, hidden) => {
    for (const before of ['\n', '\t', '"', '=']) {
      expect(redact(before + text)).not.toContain(hidden);
      expect(redact(JSON.stringify({ msg: before + text }))).not.toContain(hidden);
    }
  });

  test('whatever stands around it', () => {
    fc.assert(
      fc.property(surroundings, secrets, surroundings, (before, secret, after) => {
        const line = redact(JSON.stringify({ msg: before + secret + after }));
        expect(line).not.toContain(secret.slice(-38, -6));
      }),
      { numRuns: 1_000 },
    );
  });
});
