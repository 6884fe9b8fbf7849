import { isDeepStrictEqual } from 'node:util';
import { Cluster } from 'ioredis';
import { parseRedisAddress } from '../../domain/redis-address.ts';
import type { RedisClient } from './client.ts';

/**
 * Has the next connections of a client log in as another URL of the same servers says; those that
 * are open stay. Throws for other servers, and for a Cluster, whose client copies its login.
 */
export function renewLogin(redis: RedisClient, { from, to }: { from: string; to: string }): void {
  const [before, after] = [parseRedisAddress(from), parseRedisAddress(to)];
  if (redis instanceof Cluster) throw new Error('The login of a Redis Cluster is read at the start only');
  if (before.kind !== after.kind || !isDeepStrictEqual(before.hosts, after.hosts))
    throw new Error('The URL names other servers than before');
  if (after.kind === 'cluster') return;
  if (after.kind === 'single') {
    const { username, password } = new URL(after.url);
    Object.assign(redis.options, {
      username: decodeURIComponent(username) || undefined,
      password: decodeURIComponent(password) || undefined,
    });
    return;
  }
  const { username, password, sentinelLogin } = after;
  Object.assign(redis.options, {
    username,
    password,
    sentinelUsername: sentinelLogin.username,
    sentinelPassword: sentinelLogin.password,
  });
}
