import { Cluster } from 'ioredis';
import type { RedisClient } from './client.ts';
import { BoundedCluster } from './patient-cluster.ts';

/** The server is of another kind than its address says. The message says what to write instead. */
class WrongKindOfRedis extends Error {}

/**
 * Throws a `WrongKindOfRedis` when the connected server belongs to a Cluster and the address is not
 * one, or the other way round. Most commands would be refused then, and nothing would be counted.
 * Resolves when it cannot be told: without a connection, and without the right to `INFO`.
 */
export async function requireKindOfServer(redis: RedisClient, setting: string): Promise<void> {
  if (redis instanceof Cluster) {
    if (redis.status !== 'ready' && isNoCluster(redis))
      throw new WrongKindOfRedis(
        `${setting} says redis+cluster://, and the server there is no node of a Cluster: write redis://`,
      );
    return;
  }
  const mode = await modeOf(redis);
  if (mode === 'cluster')
    throw new WrongKindOfRedis(
      `${setting} leads to a node of a Redis Cluster: write redis+cluster://<host>:<port>,<host>:<port>`,
    );
  if (mode === 'sentinel')
    throw new WrongKindOfRedis(
      `${setting} leads to a Sentinel: write redis+sentinel://<host>:<port>,<host>:<port>/<master name>`,
    );
}

function isNoCluster(redis: Cluster): boolean {
  return (
    redis instanceof BoundedCluster && redis.nodeError?.message.includes('cluster support disabled') === true
  );
}

async function modeOf(redis: Exclude<RedisClient, Cluster>): Promise<string | undefined> {
  if (redis.status !== 'ready') return undefined;
  const info = await redis.info('server').catch(() => '');
  return /^redis_mode:(\w+)/m.exec(info)?.[1];
}
