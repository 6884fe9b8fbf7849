import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../services/project-root.ts';
import type { CheckResult } from './check.ts';

export interface LockFile {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  /** Package name, if it differs from the directory (an alias). */
  name?: string;
  version?: string;
  /** Hash of the archive, which `npm ci` compares. */
  integrity?: string;
  /** A directory of this repository. */
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

interface Named {
  name: string;
  version: string;
}

/** Looks up the registry's `integrity` of a version. */
type FindIntegrity = (named: Named) => Promise<string>;

/**
 * Fails when package-lock.json omits an optional package that another one names. npm omits it
 * silently if its registry lacks that package, and then `npm ci` refuses the file (EUSAGE,
 * "Missing: … from lock file"). Also fails when a package has no SHA-512 `integrity`: `npm ci`
 * would install any content.
 */
export async function checkLockFile(): Promise<CheckResult> {
  const problems = (await Promise.all(lockFiles.map(problemsOf))).flat();
  return { ok: problems.length === 0, output: [...problems, 'Run node scripts/complete-lock.ts'].join('\n') };
}

export const lockFiles: readonly string[] = ['package-lock.json', 'portal/package-lock.json'];

async function problemsOf(file: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(projectRoot, file), 'utf8')) as LockFile;
  return [
    ...missingFromLock(lock).map((named) => `not in ${file}: ${toText(named)}`),
    ...withoutIntegrity(lock).map((named) => `no integrity in ${file}: ${toText(named)}`),
  ];
}

export function missingFromLock({ packages }: LockFile): (Named & { dev: boolean })[] {
  return Object.entries(packages).flatMap(([from, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(packages, from, name))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

export function withoutIntegrity({ packages }: LockFile): Named[] {
  return Object.entries(packages)
    .filter(([place, { link, integrity }]) => place !== '' && !link && !integrity?.startsWith('sha512-'))
    .map(([place, { name = nameOf(place), version = '' }]) => ({ name, version }));
}

/**
 * Completes the lock file: missing optional packages with name, exact version and platform, enough
 * for npm to skip them, and missing integrities.
 */
export async function completeLock(lock: LockFile, findIntegrity: FindIntegrity): Promise<LockFile> {
  const added = missingFromLock(lock).map(({ name, version, dev }): [string, LockedPackage] => [
    `node_modules/${name}`,
    { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) },
  ]);
  const all = [...Object.entries(lock.packages), ...added];
  const sorted = Object.fromEntries(all.sort(([first], [second]) => first.localeCompare(second, 'en')));
  for (const [place, found] of Object.entries(sorted)) {
    const [bare] = withoutIntegrity({ packages: { [place]: found } });
    if (bare !== undefined) sorted[place] = withHash(found, await findIntegrity(bare));
  }
  return { ...lock, packages: sorted };
}

/** Inserts it behind the version, where npm writes it. */
function withHash(
  { version = '', integrity: _weaker, ...rest }: LockedPackage,
  integrity: string,
): LockedPackage {
  return { version, integrity, ...rest };
}

/** Package name: `@b/c` for `node_modules/a/node_modules/@b/c`. */
function nameOf(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

export function toText({ name, version }: Named): string {
  return `${name}@${version}`;
}

// Node resolves from the package's own node_modules, then from each directory above.
function isLocked(packages: LockFile['packages'], from: string, name: string): boolean {
  if (packages[from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`] !== undefined)
    return true;
  if (from === '') return false;
  return isLocked(packages, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name);
}

// Platform from the package's name: binding-linux-x64-musl, cli-darwin-arm64,
// …-linux-arm-gnueabihf.
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const [, os, cpu, libc] =
    /-(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-(musl|gnu))?/.exec(name) ?? [];
  if (os === undefined || cpu === undefined) throw new Error(`cannot tell which platform ${name} is for`);
  return {
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc === 'gnu' ? 'glibc' : libc] }),
  };
}
