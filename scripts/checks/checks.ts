import { projectRoot } from '../services/project-root.ts';
import { lintApiDocument } from './api-document.ts';
import type { Check } from './check.ts';
import { checkCommentWidth } from './comment-width.ts';
import { cruise } from './cruise.ts';
import { checkFolderNames } from './folder-names.ts';
import { checkLockFile } from './lock-file.ts';
import { checkMigrations } from './migrations.ts';
import { readRoomWords } from './room-words.ts';
import { runTool } from './run-tool.ts';
import { codeFiles } from './source-files.ts';

/** More checkers do the same work again, each for its own files: four took half as much again. */
const tsc = ['node_modules/typescript-7/bin/tsc', '--noEmit', '--checkers', '2'] as const;

/** Static checks, in the order of their report. */
export const checks: readonly Check[] = [
  { heading: 'lock file', run: checkLockFile },
  tool('format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings']),
  { heading: 'width of comments', run: () => checkCommentWidth(projectRoot, codeFiles(projectRoot)) },
  tool('types', tsc),
  tool('types of the portal', [...tsc, '--project', 'portal']),
  { heading: 'import rules', run: (signal) => cruise(signal, projectRoot) },
  { heading: 'words that a room must not use', run: () => readRoomWords(projectRoot) },
  { heading: 'folder names', run: () => checkFolderNames(projectRoot) },
  { heading: 'migrations', run: () => checkMigrations(projectRoot) },
  tool('dead code', ['node_modules/knip/bin/knip.js', '--no-progress']),
  { heading: 'API document', run: lintApiDocument },
  tool('generated files', ['scripts/generate.ts', '--check']),
];

function tool(heading: string, command: readonly [string, ...string[]]): Check {
  return { heading, run: (signal) => runTool(command, signal) };
}
