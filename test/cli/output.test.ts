import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { tableLines } from '../../src/cli/output/table.ts';
import { organization } from '../support/platform-callers.ts';
import { launcher } from './flowplate.ts';
import { useOperatorDesk } from './platform-user-desk.ts';

const { broker, desk } = useOperatorDesk();

test('lists go page by page, the way on is said on stderr, and --all brings every page', async () => {
  for (const id of ['org_1', 'org_2', 'org_3', 'org_4', 'org_5']) await organization(broker(), id);
  const seen: string[] = [];
  let args = ['platform', 'tenants', 'list', '--limit', '2'];
  for (;;) {
    const { stdout, stderr } = await desk().run([...args, '--json']);
    const page = JSON.parse(stdout) as { id: string }[];
    expect(page.length).toBeLessThanOrEqual(2);
    seen.push(...page.map(({ id }) => id));
    const [, cursor] = /^There are more: add --cursor (\S+) or --all\n$/.exec(stderr) ?? [];
    if (cursor === undefined) break;
    args = ['platform', 'tenants', 'list', '--limit', '2', '--cursor', cursor];
  }
  expect(seen).toEqual(['org_5', 'org_4', 'org_3', 'org_2', 'org_1']);
  const all = await desk().run(['platform', 'tenants', 'list', '--limit', '2', '--all']);
  expect(
    all.stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(' ')[0]),
  ).toEqual(seen);
  expect(all.stderr).toBe('');
});

test("--json prints the API's own answer, before or after the command", async () => {
  await desk().json(['platform', 'tenants', 'provision', '--name', 'Same']);
  const headers = { authorization: `Bearer ${desk().env.FLOWPLATE_API_KEY}` };
  const { body } = await broker().call('GET /api/v1/platform/tenants', { as: null, headers });
  expect(await desk().json(['platform', 'tenants', 'list'])).toEqual(body);
  const { stdout } = await desk().run(['--json', 'platform', 'tenants', 'list']);
  expect(JSON.parse(stdout)).toEqual(body);
  const keys = await broker().call('GET /api/v1/apikeys?platform=true', { as: null, headers });
  expect(await desk().json(['apikey', 'list', '--platform'])).toEqual(keys.body);
});

test('there is no colour where nobody looks, nor where NO_COLOR is set', async () => {
  const { stdout } = await desk().run(['platform', 'tenants', 'list']);
  expect(stdout).not.toContain('\u001b');
  const refused = await desk().run(['platform', 'tenants', 'get', 'org_none'], { env: { NO_COLOR: '1' } });
  expect(refused.stderr).not.toContain('\u001b');
});

test('a name cannot move the cursor, colour the screen or read backwards', async () => {
  const name = 'a\u001b[2J\u009b31m\u202eb\nc';
  await broker()
    .db.insertInto('organizations')
    .values({ id: 'org_evil', name, created_at: new Date(), updated_at: new Date() })
    .execute();
  const { stdout } = await desk().run(['platform', 'tenants', 'list', '--limit', '1']);
  expect(stdout).toContain('a\\u001b[2J\\u009b31m\\u202eb\\u000ac');
  const json = await desk().run(['platform', 'tenants', 'list', '--limit', '1', '--json']);
  for (const character of ['\u001b', '\u009b', '\u202e']) expect(json.stdout).not.toContain(character);
  expect(JSON.parse(json.stdout)[0].name).toBe(name);
});

test('columns stand below their titles, also where letters are wide', async () => {
  await desk().json(['platform', 'tenants', 'provision', '--name', '日本語']);
  const { stdout } = await desk().run(['platform', 'tenants', 'list']);
  const [title = '', line = ''] = stdout.split('\n');
  expect(line).toContain('日本語');
  // Three letters that are as wide as six.
  expect(line.indexOf(new Date().getUTCFullYear().toString()) + 3).toBe(title.indexOf('CREATED'));
});

test('a table has as many rows as there are', () => {
  const rows = Array.from({ length: 150_000 }, (_, index) => ({ name: index === 149_999 ? 'widest' : 'x' }));
  const lines = tableLines(rows, [
    ['A', ({ name }) => name],
    ['B', () => '|'],
  ]);
  expect(lines).toHaveLength(150_001);
  expect(lines.at(1)).toBe('x       |');
  expect(lines.at(-1)).toBe('widest  |');
});

test('whoever reads only the beginning gets it, and nothing is complained of', async () => {
  const piped = `"${process.execPath}" "${launcher}" platform audit export | head -n 1`;
  const shell = spawn('bash', ['-o', 'pipefail', '-c', piped], { env: desk().env });
  const said: string[] = [];
  shell.stderr.setEncoding('utf8').on('data', (piece: string) => said.push(piece));
  const exitCode = await new Promise((resolve) => shell.once('close', resolve));
  expect([said, exitCode]).toEqual([[], 0]);
});
