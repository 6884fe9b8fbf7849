import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../scripts/services/project-root.ts';

const run = promisify(execFile);

/** Builds the SDK and packs it as it is published, in `directory`; answers with the path of the tarball. */
export async function packSdk(directory: string): Promise<string> {
  const stage = join(directory, 'stage');
  await mkdir(stage, { recursive: true });
  await tsc(projectRoot, '-p', 'tsconfig.sdk.json', '--outDir', join(stage, 'dist'));
  for (const file of ['package.json', 'README.md']) {
    await copyFile(join(projectRoot, 'src/sdk', file), join(stage, file));
  }
  const { stdout } = await npm(stage, 'pack', '--json', '--pack-destination', directory);
  return join(directory, packedName(stdout));
}

/** A directory of a consumer's own with the packed SDK installed, and packages of ours that it would have from a registry. */
export async function installSdk(
  directory: string,
  tarball: string,
  packages: string[] = [],
): Promise<string> {
  const consumer = join(directory, 'consumer');
  await mkdir(consumer);
  await writeFile(
    join(consumer, 'package.json'),
    '{ "name": "consumer", "private": true, "type": "module" }',
  );
  await npm(consumer, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball);
  for (const name of packages) {
    await mkdir(join(consumer, 'node_modules', name, '..'), { recursive: true });
    await symlink(join(projectRoot, 'node_modules', name), join(consumer, 'node_modules', name));
  }
  return consumer;
}

export function tsc(cwd: string, ...args: string[]) {
  return run(process.execPath, [join(projectRoot, 'node_modules/typescript/bin/tsc'), ...args], {
    cwd,
  }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

function npm(cwd: string, ...args: string[]) {
  return run('npm', args, { cwd });
}

/** npm has answered with a list, and since version 12 with an object by name. */
function packedName(stdout: string): string {
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  return packed?.filename ?? '';
}
