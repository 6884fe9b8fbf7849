import type { Redis } from 'ioredis';
import type { RedisFacts } from '../../domain/diagnosis.ts';

/** Version, policy and clock of a Redis. `INFO` also works where `CONFIG GET` is forbidden. */
export async function readRedisFacts(redis: Redis): Promise<RedisFacts> {
  const [info, [seconds = 0, microseconds = 0]] = await Promise.all([redis.info(), redis.time()]);
  return {
    version: fieldOf(info, 'redis_version'),
    evictionPolicy: fieldOf(info, 'maxmemory_policy'),
    nowMs: Number(seconds) * 1_000 + Number(microseconds) / 1_000,
  };
}

function fieldOf(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}
