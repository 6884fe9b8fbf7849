import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckResult } from './check.ts';

const columnsMax = 100;

/**
 * Biome breaks code at its `lineWidth`, and leaves comments as they are. A URL and a
 * directive of Biome may be as long as they are.
 */
export async function checkCommentWidth(root: string, files: readonly string[]): Promise<CheckResult> {
  const problems: string[] = [];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    for (const [index, line] of text.split('\n').entries()) {
      if (isWideComment(line)) problems.push(`${file}:${index + 1} is longer than ${columnsMax} columns`);
    }
  }
  return { ok: problems.length === 0, output: problems.join('\n') };
}

function isWideComment(line: string): boolean {
  return (
    line.length > columnsMax &&
    /^\s*(\/\*\*?|\*|\/\/|--) /.test(line) &&
    !/https?:\S{40}|biome-ignore/.test(line)
  );
}
