import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bundled } from './build-packages.ts';

const run = promisify(execFile);

/**
 * Software bill of materials (CycloneDX JSON) of a package. npm derives it from a manifest, and
 * ours do not name bundled packages, so a temporary manifest names them.
 */
export async function billOfMaterials(
  { name, version, license }: { name: string; version: string; license: string },
  bundled: readonly Bundled[],
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-sbom-'));
  try {
    const dependencies = Object.fromEntries(
      bundled.map((dependency) => {
        const at = dependency.lastIndexOf('@');
        return [dependency.slice(0, at), dependency.slice(at + 1)];
      }),
    );
    await writeFile(
      join(directory, 'package.json'),
      JSON.stringify({ name, version, license, dependencies }),
    );
    const npm = (...args: string[]) => run('npm', [...args, '--package-lock-only'], { cwd: directory });
    await npm('install', '--ignore-scripts', '--no-audit', '--no-fund');
    const { stdout } = await npm('sbom', '--sbom-format', 'cyclonedx');
    return stdout;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
