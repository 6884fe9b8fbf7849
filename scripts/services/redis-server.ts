import { toolsDir } from './project-root.ts';
import { runCommand } from './run-command.ts';
import { unpackRedis } from './unpack-redis.ts';

export interface RedisServer {
  path: string;
  /** Environment with the paths of its libraries. */
  env: Record<string, string>;
}

export interface FindRedisOptions {
  /** Directory of an unpacked one. */
  toolsDir?: string;
  /** Program names to try on PATH. */
  names?: readonly string[];
}

const OLDEST_MAJOR = 7;

/**
 * `redis-server` or `valkey-server` from PATH if it is new enough, else one unpacked from Debian's
 * packages.
 */
export async function findRedisServer(options: FindRedisOptions = {}): Promise<RedisServer> {
  for (const name of options.names ?? ['redis-server', 'valkey-server']) {
    const found = { path: name, env: {} };
    if (await isNewEnough(found)) return found;
  }
  return await unpackRedis(options.toolsDir ?? toolsDir, isNewEnough);
}

/** Runs the program, which also proves that its libraries exist. */
async function isNewEnough(server: RedisServer): Promise<boolean> {
  const result = await runCommand([server.path, '--version'], { env: { ...process.env, ...server.env } });
  const major = /\bv=(\d+)\./.exec(result.stdout)?.[1];
  return result.exitCode === 0 && major !== undefined && Number(major) >= OLDEST_MAJOR;
}
