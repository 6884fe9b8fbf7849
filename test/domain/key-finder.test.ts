import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyFinder } from '../../src/domain/key-finder.ts';
import { newApiKeySecret, newSecret } from '../../src/domain/key-format.ts';
import vectors from '../vectors/key-patterns.json' with { type: 'json' };

const [key = ''] = vectors.real.map((real) => real.key);
const places = (text: string, ...pieces: string[]) => {
  const finder = new KeyFinder('f');
  return [text, ...pieces]
    .flatMap((piece) => finder.push(piece))
    .map(({ file, line, isRemoved }) => `${isRemoved ? '-' : ''}${file}:${line}`);
};

test('every kind is found, with its line and its public part', () => {
  const text = vectors.real.map((real) => `x = '${real.key}'\n`).join('\n');
  const found = new KeyFinder('a.env').push(text);
  expect(found.map(({ prefix, line, file }) => [prefix, line, file])).toEqual(
    vectors.real.map(({ prefix }, index) => [prefix, 1 + 2 * index, 'a.env']),
  );
});

test.each(vectors.fake)('a text with $why is not found', ({ text, why }) => {
  // The real key is there, with something behind it.
  expect(places(`${text}\n`)).toEqual(why === 'one character too many' ? ['f:1'] : []);
});

test('a real key inside of what only looks like one is found', () => {
  const nested = newApiKeySecret('tenant', randomBytes);
  expect(places(`fl_user_${nested}`)).toEqual(['f:1']);
  expect(places(`${key.slice(0, -1)}${key}`)).toEqual(['f:1']);
});

test('keys in any text, cut into pieces anywhere, are found once and on their lines', () => {
  const noise = fc.string({
    unit: fc.constantFrom('a', '_', '\n', '\r', '\0', '+', '-', '@', 'fl_user_', 'ÿ'),
  });
  const secrets = fc.constantFrom(
    newSecret('user', 'a', randomBytes),
    newSecret('master', '0123456789abcdef', randomBytes),
    newApiKeySecret('apiUser', randomBytes),
  );
  const property = fc.property(
    fc.array(fc.tuple(noise, secrets)),
    noise,
    fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
    (parts, end, cuts) => {
      const text = `${parts.map(([before, secret]) => `${before} ${secret}`).join('')}${end}`;
      const finder = new KeyFinder('f');
      const found = [];
      for (let at = 0, cut = 0; at < text.length; cut++) {
        const length = cuts[cut % cuts.length] ?? 1;
        found.push(...finder.push(text.slice(at, at + length)));
        at += length;
      }
      const lines = parts.map((_, index) => {
        const before = parts
          .slice(0, index + 1)
          .map(([noise]) => noise)
          .join('');
        return before.split('\n').length;
      });
      expect(found.map(({ line }) => line)).toEqual(lines);
    },
  );
  fc.assert(property, { numRuns: 1_000 });
});

test('a key in UTF-16 is found, as Windows writes it', () => {
  expect(places(Buffer.from(`first\r\nkey=${key}`, 'utf16le').toString('latin1'))).toEqual(['f:2']);
});

describe('in a diff', () => {
  const diff = [
    'commit 0123456789',
    `    ${key} in its message`,
    'diff --git a/src/old.ts b/src/new.ts',
    'index 1..2 100644',
    '--- a/src/old.ts',
    '+++ b/src/new.ts',
    '@@ -10,3 +20,4 @@ function f() {',
    ' const a = 1;',
    `-const b = '${key}';`,
    '+++ b/not-a-header.ts',
    `+const c = '${key}';`,
    ` const d = '${key}';`,
    '@@ -40 +51 @@',
    `-${key}`,
    '\\ No newline at end of file',
    `+${key}`,
    'diff --git a/gone.env b/gone.env',
    'deleted file mode 100644',
    '--- a/gone.env',
    '+++ /dev/null',
    '@@ -1,2 +0,0 @@',
    '-A=1',
    `-B=${key}`,
    'diff --git a/with space.txt b/with space.txt',
    '--- /dev/null',
    '+++ b/with space.txt\t',
    '@@ -0,0 +1 @@',
    `+${key}`,
    '',
  ];
  const expected = [
    'f:2',
    '-src/old.ts:11',
    'src/new.ts:22',
    'src/new.ts:23',
    '-src/old.ts:40',
    'src/new.ts:51',
    '-gone.env:2',
    'with space.txt:1',
  ];

  test('the place is the file and line that it is about, on both sides', () => {
    expect(places(diff.join('\n'))).toEqual(expected);
    expect(places(diff.join('\r\n'))).toEqual(expected);
  });

  test('that comes byte by byte, it is the same', () => {
    const [first = '', ...rest] = diff.join('\n');
    expect(places(first, ...rest)).toEqual(expected);
  });
});
