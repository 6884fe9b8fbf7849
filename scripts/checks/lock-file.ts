import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../services/project-root.ts';
import type { CheckResult } from './check.ts';

export interface LockFile {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

interface Missing {
  name: string;
  version: string;
  dev: boolean;
}

/**
 * Fails when package-lock.json leaves out an optional package that another one names. npm writes such a file
 * without a word when its registry lacks a package for some other platform, and then `npm ci` refuses it
 * everywhere (EUSAGE, "Missing: … from lock file").
 */
export async function checkLockFile(): Promise<CheckResult> {
  const problems = (await Promise.all(lockFiles.map(problemsOf))).flat();
  return { ok: problems.length === 0, output: [...problems, 'Run node scripts/complete-lock.ts'].join('\n') };
}

export const lockFiles: readonly string[] = ['package-lock.json', 'portal/package-lock.json'];

async function problemsOf(file: string): Promise<string[]> {
  const missing = missingFromLock(JSON.parse(await readFile(join(projectRoot, file), 'utf8')) as LockFile);
  return missing.map(({ name, version }) => `not in ${file}: ${name}@${version}`);
}

export function missingFromLock({ packages }: LockFile): Missing[] {
  return Object.entries(packages).flatMap(([from, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(packages, from, name))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

/** The lock file with what is missing put in: name, exact version and platform, all that npm needs to pass over it. */
export function completeLock(lock: LockFile): LockFile {
  const added = missingFromLock(lock).map(({ name, version, dev }): [string, LockedPackage] => [
    `node_modules/${name}`,
    { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) },
  ]);
  const all = [...Object.entries(lock.packages), ...added];
  const sorted = all.sort(([first], [second]) => first.localeCompare(second, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

// Node looks in the package's own node_modules, then in those of each directory above.
function isLocked(packages: LockFile['packages'], from: string, name: string): boolean {
  if (packages[from === '' ? `node_modules/${name}` : `${from}/node_modules/${name}`] !== undefined)
    return true;
  if (from === '') return false;
  return isLocked(packages, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name);
}

// These packages say in their name what they are for: binding-linux-x64-musl, cli-darwin-arm64, …-linux-arm-gnueabihf.
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
