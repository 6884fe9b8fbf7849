import { toolsDir } from './project-root.ts';
import { runCommand } from './run-command.ts';
import { unpackRedis } from './unpack-redis.ts';

export interface RedisServer {
  path: string;
  /** What the program needs in its environment to find its libraries. */
  env: Record<string, string>;
}

export interface FindRedisOptions {
  /** Where an unpacked one is kept. */
  toolsDir?: string;
  /** Names to look for on PATH. */
  names?: readonly string[];
}

const OLDEST_MAJOR = 7;

/**
 * `redis-server` or `valkey-server` from PATH when it is new enough, else one unpacked from
 * Debian's packages.
 */
export async function findRedisServer(options: FindRedisOptions = {}): Promise<RedisServer> {
  for (const name of options.names ?? ['redis-server', 'valkey-server']) {
    const found = { path: name, env: {} };
    if (await isNewEnough(found)) return found;
  }
  return await unpackRedis(options.toolsDir ?? toolsDir, isNewEnough);
}

/** Runs the program, so it also proves that its libraries are there. */
async function isNewEnough(server: RedisServer): Promise<boolean> {
  const result = await runCommand([server.path, '--version'], { env: { ...process.env, ...server.env } });
  const major = /\bv=(\d+)\./.exec(result.stdout)?.[1];
  return result.exitCode === 0 && major !== undefined && Number(major) >= OLDEST_MAJOR;
}
