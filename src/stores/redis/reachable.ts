import { Cluster, type Redis } from 'ioredis';
import { inTime } from '../../concurrency/deadline.ts';
import type { RedisClient } from './client.ts';

const slotsOfCluster = 16_384;
const answerMsMax = 500;

/**
 * Whether Redis answers, and may be written to. Of a Cluster every master is asked, for each holds
 * keys that no other one has: a slot without a master that answers means no.
 */
export async function isRedisReachable(redis: RedisClient): Promise<boolean> {
  const asking = redis instanceof Cluster ? askEveryMaster(redis) : redis.ping().then(() => true);
  return inTime(asking, answerMsMax, () => new Error('Redis is late')).catch(() => false);
}

async function askEveryMaster(cluster: Cluster): Promise<boolean> {
  // First and last slot of each range, and its servers, the master first.
  const ranges = await cluster.cluster('SLOTS');
  const covered = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  if (covered < slotsOfCluster) return false;
  const names = new Set(ranges.map(([, , master]) => `${master?.[0]}:${master?.[1]}`));
  const masters = cluster
    .nodes('master')
    .filter(({ options }) => names.has(`${options.host}:${options.port}`));
  if (masters.length < names.size) return false;
  return (await Promise.all(masters.map(isServing))).every(Boolean);
}

/** PING fails where writes do (MISCONF); a master without a majority of others serves no key. */
async function isServing(master: Redis): Promise<boolean> {
  const [state] = await Promise.all([master.cluster('INFO'), master.ping()]);
  return String(state).includes('cluster_state:ok');
}
