import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, readJson } from '../../src/domain/read-json.ts';
import { rebuildJson } from '../../src/domain/rebuild-json.ts';

const lossesOf = (text: string) => readJson(text).losses;
const pathsOf = (text: string, kind: string) =>
  lossesOf(text).flatMap((loss) => (loss.kind === kind ? [loss.path] : []));

describe('a number is kept', () => {
  test.each([
    '0',
    '-0',
    '0.0',
    '0e400',
    '0e-400',
    '0.000000000000000000000000000000',
    '1.0',
    '1e0',
    '1E+3',
    '10e-1',
    '1.50',
    '0.1',
    '-273.15',
    '1e3',
    '1e21',
    '1e22',
    '1e23',
    '100000000000000000000000',
    '123456789012345',
    '9007199254740991',
    '-9007199254740991',
    '9007199254740992',
    '9007199254740994',
    '1546130668394913800',
    '0.30000000000000004',
    '3.141592653589793',
    '1.7976931348623157e308',
    `17976931348623157${'0'.repeat(292)}`,
    '5e-324',
    '2.2250738585072014E-308',
    `1.${'0'.repeat(60_000)}`,
    `0.${'0'.repeat(300)}1`,
    `1${'0'.repeat(308)}`,
  ])('%s', (source) => {
    for (const text of [source, `[${source}]`, `{"a":${source}}`, ` {"a" : ${source}\n}`]) {
      expect(lossesOf(text)).toEqual([]);
    }
  });
});

describe('a number that a double cannot hold is named', () => {
  const message = 'would be changed, since a double cannot hold it: send it as a string';
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '1546130668394913822',
    // A double holds this one, but JSON.stringify writes the shortest text that leads back to it:
    // …800.
    '1546130668394913792',
    '12345678901234567',
    '0.1234567890123456789',
    '86400.00000000000001',
    '1.0000000000000000000001',
    '1e400',
    '-1e400',
    '1e309',
    '9'.repeat(400),
    '1e99999999999999999999999999',
    '1e-400',
    '-1e-400',
    '1e-99999999999999999999999999',
    '4e-324',
  ])('%s', (source) => {
    for (const [text, path] of [
      [source, ''],
      [`[0,[1,${source}]]`, '1.1'],
      [`{"metadata":{"a":[{"b":1},{"id":${source}}],"c":"1e400"}}`, 'metadata.a.1.id'],
      [`{"e:\\"x":{"":{"ü\\u0061":\t${source} } } }`, 'e:"x..üa'],
    ] as const) {
      expect(lossesOf(text)).toEqual([{ kind: 'changed_number', path, message }]);
    }
  });

  test('each of several, and no more than twenty', () => {
    expect(pathsOf('{"a":1e400,"b":[1,2e400,3]}', 'changed_number')).toEqual(['a', 'b.1']);
    expect(lossesOf(`[${Array(1_000).fill('1e400').join()}]`)).toHaveLength(20);
  });
});

describe('a member that stands twice is named', () => {
  test.each([
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"b":{"c":2},"a":{"b":3}}', 'a'],
    ['{"scopes":["read"],"scopes":["admin"]}', 'scopes'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"\\u0061":1,"\\u0061":2}', 'a'],
    ['{"\\/":1,"/":2}', '/'],
    ['{"":1,"":2}', ''],
    ['{"\\"":1,"\\u0022":2}', '"'],
    ['{"a\\\\":1,"a\\u005c":2}', 'a\\'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"constructor":1,"constructor":2}', 'constructor'],
    ['{"1":1,"1":2}', '1'],
    ['[{"x":1},{"x":[{"y":{"z":1,"z":2}}]}]', '1.x.0.y.z'],
    ['{"a":{"b":1,"b":2},"a":null}', 'a.b'],
    ['{"a" \n:\t1 , "a"\r:2}', 'a'],
    ['{"😀":1,"\\ud83d\\ude00":2}', '😀'],
    ['{"\\ud83d":1,"\\ud83d":2}', '\ud83d'],
  ])('%s', (text, path) => {
    expect(pathsOf(text, 'duplicate_member')[0]).toBe(path);
  });

  test.each([
    '{"a":1,"A":2}',
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a:1,\\"a\\":2","b":"}{][,:"}',
    '{"a\\\\":1,"a\\"":2,"a":3}',
    '{"\u00e9":1,"e\u0301":2}',
    '{"":1," ":2}',
    '{"__proto__":{"a":1},"toString":2}',
    '{"2":1,"1":2,"b":3,"10":4}',
    '"a:b"',
    '"\\\\"',
    '[":","\\\\",":"]',
    '{}',
    '[]',
    'null',
    'true',
    ' "x" ',
  ])('and %s has none', (text) => {
    expect(lossesOf(text)).toEqual([]);
  });
});

test('what JSON.stringify wrote has lost nothing, however it is spaced', () => {
  const json = fc.oneof(
    fc.jsonValue(),
    fc.jsonValue({ stringUnit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.dictionary(fc.constantFrom('__proto__', 'a', '1', ':', '"', '\\', '\\"'), fc.jsonValue()),
  );
  fc.assert(
    fc.property(json, fc.constantFrom(0, 1, '\t\n'), (value, space) => {
      expect(lossesOf(JSON.stringify(value, null, space))).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test('an integer is kept exactly when BigInt reads what JSON.stringify writes of it as the same', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), (integer) => {
      const isKept = BigInt(JSON.stringify(Number(integer))) === integer;
      expect(lossesOf(`${integer}`).length === 0).toBe(isKept);
    }),
    { numRuns: 2_000 },
  );
});

/** Objects as lists of members, so that names can come again. */
type Tree = { members: [string, Tree][] } | { leaf: string };

function write(tree: Tree): string {
  if ('leaf' in tree) return tree.leaf;
  return `{${tree.members.map(([name, inner]) => `${name}:${write(inner)}`).join(',')}}`;
}

function hasTwice(tree: Tree): boolean {
  if ('leaf' in tree) return false;
  const names = tree.members.map(([name]) => JSON.parse(name));
  return new Set(names).size < names.length || tree.members.some(([, inner]) => hasTwice(inner));
}

const names = [
  '"a"',
  '"\\u0061"',
  '"b"',
  '"\\\\"',
  '"a\\""',
  '"\\n"',
  '"\\u0062c"',
  '"bc"',
  '"1"',
  '"__proto__"',
];
const leaves = ['1', '-1.5e3', '"a:b"', '[{"a":1},{"a":[]}]', 'true', 'null', '{}', ' [ ] '];
const trees = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...leaves).map((leaf): Tree => ({ leaf })),
    fc
      .array(fc.tuple(fc.constantFrom(...names), tie('tree')), { maxLength: 3 })
      .map((members): Tree => ({ members })),
  ),
})).tree;

/** Meaning of the text, without `JSON.parse` of a name in an object. */
function build(tree: Tree): unknown {
  if ('leaf' in tree) return JSON.parse(tree.leaf);
  const members = tree.members.map(([name, inner]) => [JSON.parse(name), build(inner)]);
  return Object.fromEntries(members);
}

test('a duplicate is found exactly when there is one, and otherwise the value is what was written', () => {
  fc.assert(
    fc.property(trees, (tree) => {
      const text = write(tree);
      const { value, losses } = readJson(text);
      expect(losses.length > 0).toBe(hasTwice(tree));
      expect(value).toStrictEqual(build(tree));
      expect(parseJson(text)).toStrictEqual(build(tree));
    }),
    { numRuns: 3_000 },
  );
});

test('a name with an escape is read as it is written, whatever objects were parsed before', () => {
  // JSON.parse then takes "\u0062" for the name \ that follows "a" in the first of these, and
  // "gr\u00f6" for gr\u0.
  JSON.parse('[{"a":1,"\\\\":1},{"gr\\\\u0":1},{"say\\\\":1}]');
  for (const read of [parseJson, (text: string) => readJson(text).value]) {
    expect(read('{"a":1,"\\u0062":2}')).toStrictEqual({ a: 1, b: 2 });
    expect(read('[{"m":{"gr\\u00f6\\u00df":1}}]')).toStrictEqual([{ m: { größ: 1 } }]);
    expect(read('{"say\\"":{"__proto__":[1,"\\u0061"]}}')).toStrictEqual(
      Object.fromEntries([['say"', Object.fromEntries([['__proto__', [1, 'a']]])]]),
    );
  }
  expect(lossesOf('{"a":1,"\\u0061":2}')).toMatchObject([{ kind: 'duplicate_member', path: 'a' }]);
});

test('what JSON.stringify wrote is put together piece by piece to the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(0, '\t\n'), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(rebuildJson(text)).toStrictEqual({ value: withoutMinusZero(value), losses: [] });
    }),
  );
});

/** JSON.stringify writes -0 as 0. */
function withoutMinusZero(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutMinusZero(inner)]));
}

describe('64 KiB of ill will are judged in a time that grows with their length', () => {
  const size = 65_000;
  const fill = (piece: string, length: number) => piece.repeat(Math.floor(length / piece.length));
  const texts: Record<string, (length: number) => string> = {
    'open brackets': (length) => `${'['.repeat(length / 2)}${']'.repeat(length / 2)}`,
    'objects in objects': (length) => `${fill('{"a":', length - 10)}1${fill('}', (length - 10) / 5)}`,
    'one name over and over': (length) => `{${fill('"a":1,', length)}"a":1}`,
    'short numbers': (length) => `[${fill('1,', length)}1]`,
    'numbers with exponents': (length) => `[${fill('1e1,', length)}1]`,
    'numbers that overflow': (length) => `[${fill('1e400,', length)}1]`,
    'one long number': (length) => '9'.repeat(length),
    'zeros with a one at their end': (length) => `[0.${'0'.repeat(length)}1]`,
    'zeros within a number': (length) => `[1.${fill('0000000001', length)}]`,
    'backslashes in one string': (length) => `["${fill('\\\\', length)}"]`,
    'escaped quotes': (length) => `["${fill('\\"', length)}"]`,
    'short strings of backslashes': (length) => `[${fill('"\\\\",', length)}1]`,
    colons: (length) => `["${':'.repeat(length)}"]`,
    blanks: (length) => `[${' '.repeat(length)}1]`,
    'escaped names': (length) => `{${fill('"\\u0061":1,', length)}"a":1}`,
    'escaped names in depth': (length) => `${fill('{"\\n":', length - 10)}1${fill('}', (length - 10) / 6)}`,
    'numbers as names': (length) => {
      const names = Array.from({ length: length / 10 }, (_, index) => `"${99_999 - index}":1`);
      return `{${names.join()}}`;
    },
  };
  test.each(Object.keys(texts))('%s', (what) => {
    const text = texts[what]?.(size) ?? '';
    const times = Array.from({ length: 5 }, () => {
      // Of the processor: other programs may have it meanwhile.
      const before = process.threadCpuUsage();
      readJson(text);
      return process.threadCpuUsage(before).user / 1_000;
    });
    // Measured 0.2 to 8 ms; what grows with the square of its length takes seconds.
    expect(Math.min(...times)).toBeLessThan(100);
  });
});
