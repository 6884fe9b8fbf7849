import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../../scripts/services/run-command.ts';
import { type DebianProgram, unpackDebian } from '../../scripts/services/unpack-debian.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// Debian's packages, played by tiny ones: no network. The program is a script that looks for its
// library where it is told to.
describe.runIf(existsSync('/usr/bin/dpkg-deb'))("a program from Debian's packages", () => {
  let directory: string;
  let toolsDir: string;

  const proxy: DebianProgram = {
    package: 'proxy',
    path: 'usr/sbin/proxy',
    works: async ({ path, env }) =>
      (await runCommand([path], { env: { ...process.env, ...env } })).exitCode === 0,
  };
  const unpack = () => unpackDebian(proxy, toolsDir);
  const needsItsLibrary = `#!/bin/sh
    IFS=:; for place in $LD_LIBRARY_PATH; do [ -e "$place/libproxy.so" ] && exit 0; done; exit 1`;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    toolsDir = join(directory, 'tools');
    await mkdir(join(directory, 'packages'), { recursive: true });
    await makePackage('libproxy', 'libc6', 'usr/lib/x86_64-linux-gnu/libproxy.so');
    await playApt('');
  });

  test('brings the libraries that it does not run without', async () => {
    await makePackage('proxy', 'libc6, libproxy', proxy.path, needsItsLibrary);
    const program = await unpack();
    expect(program.path).toBe(join(toolsDir, 'proxy-2_1.2-3', proxy.path));
    expect(await proxy.works(program)).toBe(true);
    expect(await readdir(toolsDir)).toEqual(['proxy-2_1.2-3']);
  });

  test('brings no library when it runs as it is', async () => {
    await makePackage('proxy', 'libproxy', proxy.path, '#!/bin/sh\nexit 0');
    const { env } = await unpack();
    expect(env.LD_LIBRARY_PATH).not.toContain('x86_64');
  });

  test('is downloaded once, also by two who ask at once', async () => {
    await makePackage('proxy', 'libproxy', proxy.path, needsItsLibrary);
    const [first, second] = await Promise.all([unpack(), unpack()]);
    await playApt('echo "E: no network" >&2; exit 100');
    expect([second, await unpack()]).toEqual([first, first]);
    expect(await readdir(toolsDir)).toEqual(['proxy-2_1.2-3']);
  });

  test('that still does not run is refused, and leaves nothing behind', async () => {
    await makePackage('proxy', 'libproxy', proxy.path, '#!/bin/sh\nexit 1');
    await expect(unpack()).rejects.toThrow('does not run here');
    expect(await readdir(toolsDir)).toEqual([]);
  });

  async function makePackage(name: string, depends: string, file: string, content = ''): Promise<void> {
    const root = join(directory, name);
    await mkdir(join(root, 'DEBIAN'), { recursive: true });
    const control = `Package: ${name}\nVersion: 2:1.2-3\nArchitecture: all\nMaintainer: test\nDepends: ${depends}\nDescription: test\n`;
    await writeFile(join(root, 'DEBIAN', 'control'), control);
    await mkdir(join(root, file, '..'), { recursive: true });
    await writeFile(join(root, file), content, { mode: 0o755 });
    execFileSync('dpkg-deb', ['--build', root, join(directory, 'packages', `${name}.deb`)], {
      stdio: 'ignore',
    });
  }

  // `before` may end the call; otherwise `download <name>` hands out the package of that name.
  async function playApt(before: string): Promise<void> {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    const script = `#!/bin/sh\n${before}\nfor name; do :; done\ncp ${directory}/packages/$name.deb .\n`;
    await writeFile(join(bin, 'apt-get'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  }
});
