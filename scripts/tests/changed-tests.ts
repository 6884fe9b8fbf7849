import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { isSlow } from './groups.ts';

/**
 * The test files that a change touches, for a look within a minute: those that changed, those
 * beside a changed file (`test/` mirrors the rooms), and those that import one directly. Slow
 * groups only when they changed themselves. Tests that depend on a change from further away are
 * left to a whole run.
 */
export function changedTests(root: string, since: string): string[] {
  const changed = changedFiles(root, since);
  const tests = testFiles(root);
  return tests.filter(
    (test) =>
      changed.includes(test) ||
      (!isSlow(test) &&
        (changed.some((file) => isBeside(test, file)) || importsOf(root, test).some(isOneOf(changed)))),
  );
}

function changedFiles(root: string, since: string): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  return [...git('diff', '--name-only', since), ...git('ls-files', '--others', '--exclude-standard')];
}

function testFiles(root: string): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `test/${file}`)
    .sort();
}

/**
 * `src/http/roles/create-role.ts` and everything in `test/http/roles/`; a file of a large room only
 * its namesake.
 */
function isBeside(test: string, file: string): boolean {
  const mirrored = file.replace(/^src\//, 'test/').replace(/^(workers|scripts|portal)\//, 'test/$1/');
  if (test === mirrored.replace(/\.tsx?$/, '.test.ts')) return true;
  return mirrored.split('/').length >= 4 && dirname(test) === dirname(mirrored);
}

function importsOf(root: string, test: string): string[] {
  const text = readFileSync(join(root, test), 'utf8');
  return [...text.matchAll(/from '(\.{1,2}\/[^']+)'/g)].map(([, path = '']) =>
    relative(root, resolve(root, dirname(test), path)),
  );
}

function isOneOf(files: readonly string[]): (file: string) => boolean {
  return (file) => files.includes(file);
}
