import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckResult } from './check.ts';
import { ROOMS } from './source-files.ts';

/**
 * One noun, one name: every folder of the product and its tests is in the table of
 * docs/glossary.md.
 */
export async function checkFolderNames(root: string): Promise<CheckResult> {
  const glossary = await readFile(join(root, 'docs/glossary.md'), 'utf8');
  const known = foldersIn(glossary);
  const problems = [...ROOMS, 'test']
    .flatMap((room) => foldersBelow(root, room))
    .filter((folder) => !known.has(folder.slice(folder.lastIndexOf('/') + 1)))
    .map((folder) => `${folder}: its name is not in the table of folders in docs/glossary.md`);
  return { ok: problems.length === 0, output: problems.join('\n') };
}

function foldersIn(glossary: string): ReadonlySet<string> {
  const table = glossary.slice(glossary.indexOf('\n## Folders'));
  const cells = table.split('\n').flatMap((line) => /^\|([^|]*)\|/.exec(line)?.[1] ?? []);
  return new Set(cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)));
}

function foldersBelow(root: string, room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath }) => parentPath.slice(root.length + 1))
    .filter((folder, index, all) => folder !== room && all.indexOf(folder) === index);
}
