import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AptDownloader } from './apt-download.ts';
import { libraryPath, moveIntoPlace, unpackLibraries } from './unpacked-tree.ts';

export interface UnpackedProgram {
  path: string;
  /** Environment with the paths of its libraries. */
  env: Record<string, string>;
}

export interface DebianProgram {
  package: string;
  /** Further packages of the program, where Debian has split it. */
  parts?: readonly string[];
  /** Folders beside the libraries that hold more of them; Debian-specific. */
  privateLibraries?: readonly string[];
  /** Path in the package, e.g. `usr/sbin/nginx`. */
  path: string;
  works(program: UnpackedProgram): Promise<boolean>;
}

/**
 * Unpacks a Debian package's program without root into `toolsDir/<package>-<version>/`, with the
 * libraries that the system lacks. Atomic: concurrent callers at worst download twice.
 */
export async function unpackDebian(wanted: DebianProgram, toolsDir: string): Promise<UnpackedProgram> {
  for (const name of (await readdir(toolsDir).catch(() => [])).sort().reverse()) {
    if (!name.startsWith(`${wanted.package}-`)) continue;
    const program = await programIn(join(toolsDir, name), wanted);
    if (await wanted.works(program)) return program;
  }
  await mkdir(toolsDir, { recursive: true });
  const workDir = await mkdtemp(join(toolsDir, 'unpacking-'));
  try {
    const root = join(workDir, 'root');
    const apt = new AptDownloader(workDir);
    const { version, depends } = await apt.unpack(wanted.package, root);
    const needed = [...depends];
    for (const part of wanted.parts ?? []) needed.push(...(await apt.unpack(part, root)).depends);
    if (!(await wanted.works(await programIn(root, wanted)))) await unpackLibraries(apt, needed, root);
    if (!(await wanted.works(await programIn(root, wanted)))) {
      throw new Error(`Debian's ${wanted.package} ${version} does not run here, or lacks what we need`);
    }
    const home = join(toolsDir, `${wanted.package}-${version.replaceAll(/[^\w.+~-]/g, '_')}`);
    await moveIntoPlace(root, home);
    return await programIn(home, wanted);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function programIn(root: string, { path, privateLibraries }: DebianProgram): Promise<UnpackedProgram> {
  return { path: join(root, path), env: { LD_LIBRARY_PATH: await libraryPath(root, privateLibraries) } };
}
