import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd } from './at-end.ts';

/** Replaces the single occurrence of `from` in `file`. */
export type Edit = { file: string; from: string; to: string };

/** Our source with something changed, for processes: see `editSource`. */
export type EditedSource = {
  /** A module that hands Node the changed texts, for `--import`. */
  preload: string;
};

/**
 * The service without a protection, for control runs: the test must fail on it. Rejects unless each
 * edit has exactly one place, so that a control run never uses the real code. Unchanged files
 * stay in their place, so Node finds them compiled in its cache.
 */
export async function editSource(edits: readonly Edit[]): Promise<EditedSource> {
  const texts = await editedTexts(edits);
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const byUrl = [...texts].map(([file, text]) => [pathToFileURL(join(projectRoot, file)).href, text]);
  const preload = join(directory, 'preload.mjs');
  await writeFile(preload, preloading(JSON.stringify(byUrl)));
  return { preload };
}

const preloading = (byUrl: string) => `
  import { registerHooks } from 'node:module';
  const texts = new Map(${byUrl});
  registerHooks({
    load: (url, context, next) => ({
      ...next(url, context),
      ...(texts.has(url) && { source: texts.get(url) }),
    }),
  });`;

/** The changed files, by their paths in the project. */
export async function editedTexts(edits: readonly Edit[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = texts.get(file) ?? (await readFile(join(projectRoot, file), 'utf8'));
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places that read: ${from}`);
    texts.set(file, parts.join(to));
  }
  return texts;
}
