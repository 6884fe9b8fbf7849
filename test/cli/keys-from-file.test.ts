import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { codesOf, mint, newOwner } from '../support/keys.ts';
import { readLines, toLines } from '../support/lines.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Desk, openDesk } from './flowplate.ts';

let broker: TestBroker;
let desk: Desk;
beforeAll(async () => {
  broker = await startBroker();
  atEnd(() => broker.close());
  desk = await openDesk(broker.url, { FLOWPLATE_MASTER_KEY: broker.masterKey });
});
afterAll(endAll);

test('a file of mints becomes a file of keys that only its owner can read; a repetition gives the same secrets', async () => {
  const taken = newOwner();
  await mint(broker, taken);
  const directory = await temporaryDirectory();
  const fileName = (name: string) => join(directory, name);
  const [input, output, repeated] = [fileName('users'), fileName('keys'), fileName('again')];
  await writeFile(input, toLines([newOwner(), taken, { ...newOwner(), scopes: ['read'] }]));
  const args = ['keys', 'mint', '--from-file', input, '--idempotency-key', 'cli-1'];
  const { exitCode, stdout, stderr } = await desk.run([...args, '--to-file', output]);
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(stderr).toContain('--idempotency-key cli-1');
  expect(stderr).toContain('Minted 2 of 3 keys');
  expect((await stat(output)).mode & 0o777).toBe(0o600);
  const lines = readLines(await readFile(output, 'utf8'));
  expect(lines.map(({ line, error }) => [line, error?.code])).toEqual([
    [1, undefined],
    [2, 'KEY_ALREADY_EXISTS'],
    [3, undefined],
  ]);
  expect(await codesOf(broker, [lines[0], lines[2]])).toEqual(['VALID', 'VALID']);
  expect((await desk.run([...args, '--to-file', output])).exitCode).toBe(2);
  await desk.run([...args, '--to-file', repeated]);
  expect(readLines(await readFile(repeated, 'utf8')).map(({ key }) => key)).toEqual(
    lines.map(({ key }) => key),
  );
});

test('from standard input to a table, or to lines with --json', async () => {
  const owner = newOwner();
  const args = ['keys', 'mint', '--from-file', '-'];
  const table = await desk.run(args, { stdin: toLines([owner]) });
  expect(table.exitCode).toBe(0);
  expect(table.stdout).toMatch(new RegExp(`^1 +${owner.user_id} +${owner.organization_id} +fl_user_`, 'm'));
  const json = await desk.run([...args, '--json'], { stdin: toLines([newOwner()]) });
  expect(readLines(json.stdout)[0].key).toMatch(/^fl_user_/);
});

test('wrong use is refused before anything is sent', async () => {
  const refused = async (args: string[], stdin: string) => {
    const { exitCode, stderr } = await desk.run(['keys', 'mint', ...args], { stdin });
    expect(exitCode).toBe(2);
    return stderr;
  };
  expect(await refused(['--from-file', '-'], `${toLines([newOwner()])}[]\n`)).toContain('line 2');
  expect(await refused(['--from-file', '-'], '')).toContain('has no line');
  expect(await refused(['--from-file', '-', '--user', 'u'], '{}')).toContain('--user');
  expect(await refused(['--org', 'o'], '')).toContain('--user');
  expect(await refused(['--user', 'u', '--org', 'o', '--to-file', 'x'], '')).toContain('--from-file');
});
