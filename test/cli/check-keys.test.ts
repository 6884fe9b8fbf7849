import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import vectors from '../vectors/key-patterns.json' with { type: 'json' };
import { type Desk, openDesk } from './flowplate.ts';

const real = vectors.real.map(({ key }) => key);
const fakes = vectors.fake.filter(({ why }) => why !== 'one character too many').map(({ text }) => text);

let desk: Desk;
let file: (name: string, text: string | Buffer) => Promise<string>;
beforeAll(async () => {
  // No broker and no credential: it needs neither.
  desk = await openDesk('http://127.0.0.1:9');
  file = async (name, text) => {
    await writeFile(join(desk.home, name), text);
    return join(desk.home, name);
  };
});
afterAll(endAll);

const check = (args: readonly string[], stdin?: string) =>
  desk.run(['keys', 'check', ...args], stdin === undefined ? {} : { stdin });

test('real keys are shown by file, line, kind and public part, with how to find their ids, and never whole: 1', async () => {
  const one = await file('a.env', `# keys\n${real.map((key) => `KEY=${key}`).join('\n')}\n`);
  const two = await file('b.bin', Buffer.concat([Buffer.alloc(3 << 20, 0xff), Buffer.from(real[0] ?? '')]));
  const { stdout, stderr, exitCode } = await check([one, two]);
  expect(exitCode).toBe(1);
  const expected = vectors.real.map(
    ({ kind, prefix }, index) => `${one}:${index + 2}: ${kind} key ${prefix}…\n`,
  );
  expect(stdout).toBe(`${expected.join('')}${two}:1: user key ${vectors.real[0]?.prefix}…\n`);
  expect(stderr).toContain(`flowplate keys list --prefix ${vectors.real[0]?.prefix}\n`);
  for (const key of real) expect(stdout + stderr).not.toContain(key);
});

test('made-up and mistyped keys are none: 0', async () => {
  const { stdout, stderr, exitCode } = await check([], fakes.join('\n'));
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: 'No key was found\n', exitCode: 0 });
});

test('a git diff on stdin is read by its own files and lines, removed ones too', async () => {
  const diff = [
    'diff --git a/src/a.ts b/src/a.ts',
    '--- a/src/a.ts',
    '+++ b/src/a.ts',
    '@@ -7,1 +7,2 @@',
    `-const old = '${real[3]}';`,
    '+const new = 1;',
    `+const key = '${real[2]}';`,
    '',
  ];
  const { stdout, exitCode } = await check(['-', '--json'], diff.join('\n'));
  expect(exitCode).toBe(1);
  const found = { file: 'src/a.ts', environment: null };
  expect(JSON.parse(stdout)).toEqual([
    {
      ...found,
      ...{ line: 7, is_removed: true, kind: 'tenant', key_prefix: vectors.real[3]?.prefix },
      look_up: `flowplate apikey list --all | grep -F ${vectors.real[3]?.prefix}`,
    },
    {
      ...found,
      ...{
        line: 8,
        is_removed: false,
        kind: 'master',
        environment: 'prod',
        key_prefix: vectors.real[2]?.prefix,
      },
      look_up: `flowplate masterkeys list --all | grep -F ${vectors.real[2]?.prefix}`,
    },
  ]);
});

test('a file that cannot be read is not taken for clean: 2', async () => {
  for (const name of [join(desk.home, 'missing'), desk.home]) {
    const { exitCode, stderr } = await check([name]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${name} cannot be read`);
  }
});

test('a name moves no cursor in a terminal', async () => {
  const { stdout } = await check([await file('a\u001b[2Jb', real[0] ?? '')]);
  expect(stdout).toContain('a\\u001b[2Jb:1: user key');
});
