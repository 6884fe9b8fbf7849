import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { previousRelease } from '../../scripts/release/previous-release.ts';
import { projectRoot, toolsDir } from '../../scripts/services/project-root.ts';
import { atEnd } from '../support/at-end.ts';

export type Release = { tag: string; root: string };

/**
 * The code of the previous release with its packages, from its tag in git. Packages of the same
 * versions are those of this checkout; others are installed once, into the cache directory.
 */
export async function unpackPreviousRelease(): Promise<Release> {
  const tag = previousRelease(projectRoot);
  const root = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(root, { recursive: true, force: true }));
  const archive = execFileSync('git', ['archive', tag], { cwd: projectRoot, maxBuffer: 1024 ** 3 });
  execFileSync('tar', ['--extract', '--directory', root], { input: archive });
  const packages = (await hasSamePackages(root)) ? projectRoot : await installed(tag, root);
  await symlink(join(packages, 'node_modules'), join(root, 'node_modules'));
  return { tag, root };
}

async function hasSamePackages(root: string): Promise<boolean> {
  const [theirs, ours] = await Promise.all([root, projectRoot].map(versionsOf));
  return Object.entries(theirs ?? {}).every(([name, version]) => isDeepStrictEqual(ours?.[name], version));
}

/** Versions of what is needed to run, by the place in node_modules. */
async function versionsOf(root: string): Promise<Record<string, string>> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; dev?: boolean }>;
  };
  const needed = Object.entries(lock.packages).filter(([place, { dev }]) => place !== '' && dev !== true);
  return Object.fromEntries(needed.map(([place, { version }]) => [place, version]));
}

async function installed(tag: string, root: string): Promise<string> {
  const directory = join(toolsDir, 'releases', tag);
  if (existsSync(directory)) return directory;
  await mkdir(dirname(directory), { recursive: true });
  const unfinished = await mkdtemp(`${directory}-`);
  for (const file of ['package.json', 'package-lock.json'])
    execFileSync('cp', [join(root, file), unfinished]);
  // Another run may have been faster.
  const options = ['--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['ci', ...options], { cwd: unfinished, stdio: ['ignore', 'ignore', 'pipe'] });
  await rename(unfinished, directory).catch(() => rm(unfinished, { recursive: true, force: true }));
  return directory;
}
