import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFolderNames } from '../../scripts/checks/folder-names.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const glossary =
  '# Glossary\n\nIn `prose`.\n\n## Folders\n\n| folder | what |\n|---|---|\n| `http` `roles` | `text` |\n';

async function tree(files: readonly string[]): Promise<string> {
  const root = await temporaryDirectory();
  for (const file of ['workers/main.ts', 'portal/src/main.tsx', 'test/main.ts', ...files]) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  await mkdir(join(root, 'docs'));
  await writeFile(join(root, 'docs/glossary.md'), glossary);
  return root;
}

test('this tree has only folders that the glossary names', async () => {
  expect(await checkFolderNames(projectRoot)).toEqual({ ok: true, output: '' });
});

test('a folder whose name is not in the table of folders is named', async () => {
  const known = ['src/main.ts', 'src/http/roles/list.ts', 'test/http/list.test.ts'];
  expect((await checkFolderNames(await tree(known))).ok).toBe(true);
  const { ok, output } = await checkFolderNames(
    await tree([...known, 'src/http/prose/a.ts', 'test/text/b.ts']),
  );
  expect(ok).toBe(false);
  expect(output.split('\n').map((line) => line.split(':')[0])).toEqual(['src/http/prose', 'test/text']);
});
