import type { Redis } from 'ioredis';
import type { RedisFacts } from '../../domain/diagnosis.ts';
import { mastersOf, type RedisClient } from './client.ts';

/**
 * Version, policy and clock of a Redis. Of a Cluster each is that of the master which is the
 * furthest from what is wanted. `INFO` also works where `CONFIG GET` is forbidden.
 */
export async function readRedisFacts(redis: RedisClient): Promise<RedisFacts> {
  const [first, ...others] = await Promise.all(mastersOf(redis).map(readFacts));
  if (first === undefined) throw new Error('no master of the Cluster is known');
  return others.reduce(worse, first);
}

async function readFacts(redis: Redis): Promise<RedisFacts> {
  const [info, [seconds = 0, microseconds = 0]] = await Promise.all([redis.info(), redis.time()]);
  return {
    version: fieldOf(info, 'redis_version'),
    evictionPolicy: fieldOf(info, 'maxmemory_policy'),
    nowMs: Number(seconds) * 1_000 + Number(microseconds) / 1_000,
  };
}

function worse(one: RedisFacts, other: RedisFacts): RedisFacts {
  const nowMs = Date.now();
  const isOlder = Number.parseFloat(other.version) < Number.parseFloat(one.version);
  const isFurther = Math.abs(other.nowMs - nowMs) > Math.abs(one.nowMs - nowMs);
  return {
    version: isOlder ? other.version : one.version,
    evictionPolicy: one.evictionPolicy === 'noeviction' ? other.evictionPolicy : one.evictionPolicy,
    nowMs: isFurther ? other.nowMs : one.nowMs,
  };
}

function fieldOf(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
}
