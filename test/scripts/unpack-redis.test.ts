import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { findRedisServer } from '../../scripts/services/redis-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// Debian's packages, played by tiny ones: no network, and the same with and without a Redis on this
// machine.
describe.runIf(existsSync('/usr/bin/dpkg-deb'))('on a Debian machine without Redis', () => {
  let directory: string;
  let toolsDir: string;
  const find = () => findRedisServer({ names: [], toolsDir });

  beforeEach(async () => {
    directory = await temporaryDirectory();
    toolsDir = join(directory, 'tools');
    await mkdir(join(directory, 'packages'), { recursive: true });
    await makePackage('redis-server', 'redis-tools (= 7.0.15)', 'usr/share/doc/redis', 'documents');
    await makePackage(
      'redis-tools',
      'libc6, libflowplate-test | other',
      'usr/bin/redis-server',
      redisServer('7.0.15'),
    );
    await makePackage('libflowplate-test', 'libc6', 'usr/lib/x86_64-linux-gnu/libtest.so.1', 'library');
    await playApt('');
  });

  test('the program is unpacked from its packages, with the libraries the system lacks', async () => {
    const server = await find();
    expect(server.path).toBe(join(toolsDir, 'redis-5_7.0.15-1', 'usr/bin/redis-server'));
    expect(await readdir(toolsDir)).toEqual(['redis-5_7.0.15-1']);
    expect(existsSync(join(toolsDir, 'redis-5_7.0.15-1/usr/lib/x86_64-linux-gnu/libtest.so.1'))).toBe(true);
    expect(server.env.LD_LIBRARY_PATH).toContain('redis-5_7.0.15-1/usr/lib/x86_64-linux-gnu');
  });

  test('the second start downloads nothing', async () => {
    const first = await find();
    await playApt('echo "E: no network" >&2; exit 100');
    expect(await find()).toEqual(first);
  });

  test('two starts at once end with one whole copy', async () => {
    const [first, second] = await Promise.all([find(), find()]);
    expect(first).toEqual(second);
    expect(await readdir(toolsDir)).toEqual(['redis-5_7.0.15-1']);
  });

  test('without package lists it fetches some of its own', async () => {
    const fetched = join(directory, 'fetched');
    await playApt(
      `case "$*" in
         *Dir::State=*update) touch ${fetched}; exit 0;;
         *Dir::State=*download*) [ -e ${fetched} ] || exit 100;;
         *) echo "E: Unable to locate package" >&2; exit 100;;
       esac`,
    );
    expect((await find()).path).toContain('redis-5_7.0.15-1');
  });

  test('what stands in the way is one sentence that says what to install', async () => {
    await playApt('echo "E: Unable to locate package redis-server" >&2; exit 100');
    await expect(find()).rejects.toThrow(/^Redis is missing\. .*Unable to locate.*: install redis-server/);
    expect(await readdir(toolsDir)).toEqual([]);
  });

  test('a Redis older than 7 is refused', async () => {
    await makePackage('redis-tools', 'libc6', 'usr/bin/redis-server', redisServer('6.0.16'));
    await expect(find()).rejects.toThrow('older than 7');
  });

  function redisServer(version: string): string {
    return `#!/bin/sh\necho "Redis server v=${version} sha=00000000:0 malloc=libc bits=64"\n`;
  }

  async function makePackage(name: string, depends: string, file: string, content: string): Promise<void> {
    const root = join(directory, name);
    await mkdir(join(root, 'DEBIAN'), { recursive: true });
    const control = {
      Package: name,
      Version: '5:7.0.15-1',
      Architecture: 'all',
      Maintainer: 'test',
      Depends: depends,
    };
    const lines = Object.entries({ ...control, Description: 'test' }).map(
      ([key, value]) => `${key}: ${value}\n`,
    );
    await writeFile(join(root, 'DEBIAN', 'control'), lines.join(''));
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
    const download = `for name; do :; done\ncp ${directory}/packages/$name.deb .\n`;
    const script = `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${before}\n${download}`;
    await writeFile(join(bin, 'apt-get'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  }
});
