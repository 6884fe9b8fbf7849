import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs `npm pack` on a built package in `from`. Returns the path of the tarball in `to`. */
export async function packPackage(from: string, to: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', to], {
    cwd: from,
  });
  // npm 12 prints an object by name, earlier versions a list.
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  if (packed === undefined) throw new Error(`npm packed nothing in ${from}`);
  return join(to, packed.filename);
}
