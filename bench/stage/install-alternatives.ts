import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { lastLine, runCommand } from '../../scripts/services/run-command.ts';

const directory = join(projectRoot, 'bench/alternatives');

/** Written by npm at the end of an installation. */
const installedMark = join(directory, 'node_modules/.package-lock.json');

/** Installs the compared libraries, again when their lock file has changed: 32 MB. */
export async function installAlternatives(): Promise<void> {
  const lockedMs = await changedMs(join(directory, 'package-lock.json'));
  if ((await changedMs(installedMark)) >= lockedMs) return;
  console.error('peers: installing openkey and better-auth');
  const { exitCode, stderr } = await runCommand(['npm', 'ci'], { cwd: directory });
  if (exitCode !== 0) throw new Error(`npm ci in bench/alternatives failed: ${lastLine(stderr)}`);
}

async function changedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
