import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AptDownloader } from './apt-download.ts';
import { progress } from './progress.ts';
import type { RedisServer } from './redis-server.ts';
import { runCommand } from './run-command.ts';
import { libraryPath, moveIntoPlace, unpackLibraries } from './unpacked-tree.ts';

type Works = (server: RedisServer) => Promise<boolean>;

/**
 * Unpacks Redis from Debian's packages without root into `toolsDir/redis-<version>/`. Atomic:
 * concurrent starts at worst download twice.
 */
export async function unpackRedis(toolsDir: string, works: Works): Promise<RedisServer> {
  for (const name of (await readdir(toolsDir).catch(() => [])).filter(isUnpackedRedis)) {
    const server = await serverIn(join(toolsDir, name));
    if (await works(server)) return server;
  }
  if (!(await hasApt())) throw new Error(instructions('This is not a Debian machine'));

  await mkdir(toolsDir, { recursive: true });
  const workDir = await mkdtemp(join(toolsDir, 'unpacking-'));
  try {
    const unpacked = join(workDir, 'root');
    const version = await downloadAndUnpack(workDir, unpacked);
    if (!(await works(await serverIn(unpacked)))) {
      throw new Error(instructions(`Debian's Redis ${version} does not run here or is older than 7`));
    }
    const home = join(toolsDir, `redis-${version.replaceAll(/[^\w.+~-]/g, '_')}`);
    await moveIntoPlace(unpacked, home);
    return await serverIn(home);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

function isUnpackedRedis(name: string): boolean {
  return name.startsWith('redis-');
}

function instructions(why: string): string {
  const how =
    process.platform === 'darwin'
      ? 'brew install redis'
      : 'install redis-server or valkey-server, 7 or newer';
  return `Redis is missing. ${why}: ${how}, or set REDIS_URL to one of your own.`;
}

async function hasApt(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const found = await Promise.all([
    runCommand(['apt-get', '--version']),
    runCommand(['dpkg-deb', '--version']),
  ]);
  return found.every((result) => result.exitCode === 0);
}

// Debian splits the server in two packages (the program is in redis-tools), with libraries that a
// small system lacks.
async function downloadAndUnpack(workDir: string, unpackDir: string): Promise<string> {
  progress("Redis: none on PATH, unpacking Debian's packages (once)");
  const apt = new AptDownloader(workDir);
  const server = await apt.unpack('redis-server', unpackDir).catch((cause: unknown) => {
    throw new Error(
      instructions(`Its Debian package could not be downloaded (${(cause as Error).message})`),
      { cause },
    );
  });
  const tools = await apt.unpack('redis-tools', unpackDir);
  await unpackLibraries(apt, tools.depends, unpackDir);
  return server.version;
}

async function serverIn(home: string): Promise<RedisServer> {
  return { path: join(home, 'usr/bin/redis-server'), env: { LD_LIBRARY_PATH: await libraryPath(home) } };
}
