import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../scripts/services/run-command.ts';
import { changedTests } from '../../scripts/tests/changed-tests.ts';
import { argumentsOf, slowGroups } from '../../scripts/tests/groups.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const files: Record<string, string> = {
  'src/http/roles/create-role.ts': '',
  'src/domain/role.ts': '',
  'test/http/roles/roles.test.ts': '',
  'test/http/paths.test.ts': '',
  'test/domain/role.test.ts': '',
  'test/domain/scope.test.ts': '',
  'test/usecases/who.test.ts': "import { role } from '../../src/domain/role.ts';",
  'test/faults/kill.test.ts': "import { role } from '../../src/domain/role.ts';",
};

async function repository() {
  const root = await temporaryDirectory();
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: root });
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
  };
  for (const [file, text] of Object.entries(files)) await write(file, text);
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'first');
  return { root, write };
}

test('nothing changed touches no test', async () => {
  const { root } = await repository();
  expect(changedTests(root, 'HEAD')).toEqual([]);
});

test('a route touches the tests of its noun', async () => {
  const { root, write } = await repository();
  await write('src/http/roles/delete-role.ts', '');
  expect(changedTests(root, 'HEAD')).toEqual(['test/http/roles/roles.test.ts']);
});

test('a file touches its namesake and the quick tests that import it', async () => {
  const { root, write } = await repository();
  await write('src/domain/role.ts', 'changed');
  expect(changedTests(root, 'HEAD')).toEqual(['test/domain/role.test.ts', 'test/usecases/who.test.ts']);
});

test('a changed test is touched itself, slow or not', async () => {
  const { root, write } = await repository();
  await write('test/faults/kill.test.ts', 'changed');
  expect(changedTests(root, 'HEAD')).toEqual(['test/faults/kill.test.ts']);
});

test('groups are folders, and quick is all that is in none of them', async () => {
  const slow = Object.keys(slowGroups);
  const all = (await readdir('test', { recursive: true })).filter((file) => file.endsWith('.test.ts'));
  const inFolders = (folders: string[]) => all.filter((file) => folders.includes(file.split('/')[0] ?? ''));
  expect(await testsOf(argumentsOf(['faults', 'portal']))).toEqual(inFolders(['faults', 'portal']).sort());
  expect(await testsOf(argumentsOf(['quick', 'gateways']))).toEqual(
    all.filter((file) => !inFolders(slow.filter((group) => group !== 'gateways')).includes(file)).sort(),
  );
  expect(await testsOf([])).toEqual(all.sort());
});

/** Files that vitest would run with these arguments. */
async function testsOf(args: readonly string[]): Promise<string[]> {
  const vitest = [process.execPath, 'node_modules/vitest/vitest.mjs', 'list', '--filesOnly', '--json'];
  const { stdout } = await runCommand([...vitest, ...args]);
  return (JSON.parse(stdout) as { file: string }[]).map(({ file }) => relative('test', file)).sort();
}
