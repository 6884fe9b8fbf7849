import { execFileSync } from 'node:child_process';

/**
 * The release before this checkout: the newest tag below it, or the commit that made a release
 * where tags were not fetched. Throws when git has neither.
 */
export function previousRelease(root: string): string {
  // From its parent, so that the commit of a release has the release before it.
  const found = newestTag(root, 'HEAD^') ?? newestReleaseCommit(root, 'HEAD^');
  if (found !== undefined) return found;
  throw new Error(
    'git has no tag of an earlier release. Fetch history and tags: git fetch --unshallow --tags (fetch-depth: 0 in CI)',
  );
}

/** Whether this is a clone with its whole history, and no copy without. */
export function hasHistory(root: string): boolean {
  try {
    return git(root, 'rev-parse', '--is-shallow-repository').trim() === 'false';
  } catch {
    return false;
  }
}

function newestTag(root: string, below: string): string | undefined {
  try {
    return git(root, 'describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*', below).trim();
  } catch {
    return undefined;
  }
}

/** `release: 1.2.3`, as `npm run release` commits it. */
function newestReleaseCommit(root: string, below: string): string | undefined {
  const subject = '^release: [0-9]+\\.[0-9]+\\.[0-9]+$';
  const found = git(root, 'log', '-1', '--format=%H', '--extended-regexp', `--grep=${subject}`, below).trim();
  return found === '' ? undefined : found;
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
