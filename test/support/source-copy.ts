import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd } from './at-end.ts';

/** Replaces the single occurrence of `from` in `file`. */
export type Edit = { file: string; from: string; to: string };

/**
 * Copy of the service without a protection, for control runs: the test must fail on it. Rejects
 * unless each edit has exactly one place, so that a control run never uses the real code.
 */
export async function copySource(edits: readonly Edit[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(root, { recursive: true, force: true }));
  for (const part of ['src', 'workers', 'docs/openapi.json', 'package.json']) {
    await cp(join(projectRoot, part), join(root, part), { recursive: true });
  }
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  for (const edit of edits) await apply(root, edit);
  return root;
}

async function apply(root: string, { file, from, to }: Edit): Promise<void> {
  const path = join(root, file);
  const parts = (await readFile(path, 'utf8')).split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places that read: ${from}`);
  await writeFile(path, parts.join(to));
}
