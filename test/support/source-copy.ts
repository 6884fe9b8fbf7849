import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd } from './at-end.ts';

/** In `file`, the one place that reads `from` becomes `to`. */
export type Edit = { file: string; from: string; to: string };

/**
 * A private copy of the service with a protection taken out, for control arms: what a test proves
 * must fail on it. Rejects when a place to edit is not there exactly once, so that a control arm
 * never runs the real code unnoticed.
 */
export async function copySource(edits: readonly Edit[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(root, { recursive: true, force: true }));
  for (const part of ['src', 'workers', 'package.json']) {
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
