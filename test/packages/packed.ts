import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildPackage, type PackageName } from '../../scripts/packages/build-packages.ts';
import { packPackage } from '../../scripts/packages/pack-package.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd } from '../support/at-end.ts';

const run = promisify(execFile);

/**
 * Builds and packs a package as it is published, in `directory`; answers with the path of the
 * tarball.
 */
async function packed(name: PackageName, directory: string): Promise<string> {
  const stage = join(directory, `stage-${name}`);
  await mkdir(stage, { recursive: true });
  await buildPackage(name, stage);
  return packPackage(stage, directory);
}

/**
 * An empty folder of a consumer's own with a tarball installed, and packages of ours that it would
 * have from a registry. Answers with the folder and with what npm said.
 */
async function installed(
  directory: string,
  tarball: string,
  packages: readonly string[] = [],
): Promise<{ consumer: string; said: string }> {
  const consumer = join(directory, 'consumer');
  await mkdir(consumer);
  await writeFile(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
  const options = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier'];
  // By the Node.js that runs the tests: the first one on the PATH may be older than the package
  // wants.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
  const { stdout, stderr } = await run('npm', ['install', ...options, tarball], { cwd: consumer, env });
  for (const name of packages) {
    await mkdir(join(consumer, 'node_modules', name, '..'), { recursive: true });
    await symlink(join(projectRoot, 'node_modules', name), join(consumer, 'node_modules', name));
  }
  return { consumer, said: stdout + stderr };
}

/** A package built, packed and installed in a temporary directory of its own. */
export async function installedAsPublished(
  name: PackageName,
  packages: readonly string[] = [],
): Promise<{ directory: string; consumer: string; said: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return { directory, ...(await installed(directory, await packed(name, directory), packages)) };
}

/**
 * Node.js in every version from `minimum` on that is here: the one that runs the tests, and those
 * that the PATH leads to.
 */
export async function nodesSince(minimum: readonly [number, number]): Promise<string[]> {
  const found = new Map<string, string>();
  const paths = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  for (const node of [process.execPath, ...paths]) {
    const version = await run(node, ['--version']).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    );
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
    if (major > minimum[0] || (major === minimum[0] && minor >= minimum[1])) found.set(version, node);
  }
  return [...found.values()];
}

export function tsc(cwd: string, ...args: string[]) {
  return run(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), ...args], {
    cwd,
  }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}
