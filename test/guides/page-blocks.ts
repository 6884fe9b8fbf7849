import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';

/**
 * A fenced block of a page. The words after the language say what a reader does with it:
 * `file=<name>` saves it, `output` compares it with what the commands before it print, `broker` is
 * the terminal of the broker, `docker` needs a container engine, `cli` and `curl` are two ways to
 * do the same. All other `sh` blocks are run.
 */
export type Block = { language: string; words: readonly string[]; text: string; line: number };

/** The fenced blocks of `docs/guides/<page>`, in order. */
export async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(projectRoot, 'docs', 'guides', page), 'utf8');
  return [...text.matchAll(/^```(.+)\n([\s\S]*?)\n```$/gm)].map(({ 1: info = '', 2: body = '', index }) => {
    const [language = '', ...words] = info.split(' ');
    return { language, words, text: body, line: text.slice(0, index).split('\n').length };
  });
}

/** The name under which a reader saves the block, if at all. */
export function fileOf({ words }: Block): string | undefined {
  return words.find((word) => word.startsWith('file='))?.slice('file='.length);
}
