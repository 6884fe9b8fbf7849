import { execFileSync } from 'node:child_process';

/**
 * The tag of the release before this checkout: the newest one below it. Throws when git has none,
 * as in a shallow clone.
 */
export function previousRelease(root: string): string {
  try {
    // From its parent, so that the commit of a release has the release before it.
    return git(root, 'describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', 'HEAD^').trim();
  } catch (cause) {
    throw new Error(
      'git has no tag of an earlier release. Fetch history and tags: git fetch --unshallow --tags (fetch-depth: 0 in CI)',
      { cause },
    );
  }
}

/** All lines of the files of a release below some paths. */
export function linesOf(root: string, release: string, ...paths: string[]): string {
  return git(root, 'grep', '-hI', '-e', '', release, '--', ...paths);
}

export function filesOf(root: string, release: string, folder: string): string[] {
  return git(root, 'ls-tree', '--name-only', release, `${folder}/`)
    .split('\n')
    .filter((file) => file !== '');
}

function git(root: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
}
