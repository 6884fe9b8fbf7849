import { type ConnectionOptions, Queue } from 'bullmq';
import { mastersOf, type RedisClient } from './redis/client.ts';
import { keyspace } from './redis/keyspace.ts';

export const queueName = 'flowplate';

export function openQueue(connection: ConnectionOptions, onError: (error: Error) => void): Queue {
  const queue = new Queue(queueName, {
    connection,
    prefix: keyspace.jobsPrefix,
    defaultJobOptions: { removeOnComplete: { count: 100 }, removeOnFail: { count: 500 } },
  });
  queue.on('error', onError);
  return queue;
}

/** Read-only handle for monitoring: it writes no metadata to Redis. */
export function openQueueReadOnly(connection: ConnectionOptions, onError: (error: Error) => void): Queue {
  const prefix = keyspace.jobsPrefix;
  const queue = new Queue(queueName, { connection, prefix, skipMetasUpdate: true, skipVersionCheck: true });
  queue.on('error', onError);
  return queue;
}

export const webhookQueueName = 'flowplate-webhooks';

/** Queue of turns: which endpoint is to be served next. A job has the endpoint's id alone. */
export function openWebhookQueue(connection: ConnectionOptions, onError: (error: Error) => void): Queue {
  const queue = new Queue(webhookQueueName, { connection, prefix: keyspace.jobsPrefix });
  queue.on('error', onError);
  return queue;
}

/** An endpoint has one turn at a time in the queue: another one of the same id is not added. */
export async function offerTurns(queue: Queue, webhookIds: readonly string[]): Promise<void> {
  const opts = { removeOnComplete: true, removeOnFail: true };
  await queue.addBulk(
    webhookIds.map((id) => ({ name: 'serve', data: { webhook_id: id }, opts: { ...opts, jobId: id } })),
  );
}

type Schedules = Record<string, { everyMs: number }>;

/**
 * Registers missing schedules, and those whose next run was lost in a failover. Only these, because
 * registering an existing one postpones its next run. Returns the added names; all of them after
 * Redis was emptied.
 */
export async function registerSchedules(queue: Queue, schedules: Schedules): Promise<string[]> {
  const known = await queue.getJobSchedulers();
  const lost = await findLost(queue, known);
  const going = new Set(known.map(({ key }) => key).filter((key) => !lost.has(key)));
  const missing = Object.entries(schedules).filter(([name]) => !going.has(name));
  for (const [name, { everyMs }] of missing) {
    await queue.upsertJobScheduler(name, { every: everyMs }, { name });
  }
  return missing.map(([name]) => name);
}

type Scheduler = Awaited<ReturnType<Queue['getJobSchedulers']>>[number];

/** Each schedule always has a run to come. BullMQ makes it when the one before begins. */
async function findLost(queue: Queue, schedulers: readonly Scheduler[]): Promise<Set<string>> {
  const suspects = await withoutRun(queue, schedulers);
  if (suspects.length === 0) return new Set();
  // A run that began and ended meanwhile has made another one.
  const nextOf = new Map((await queue.getJobSchedulers()).map(({ key, next }) => [key, next]));
  const unchanged = suspects.filter(({ key, next }) => nextOf.get(key) === next);
  return new Set(unchanged.map(({ key }) => key));
}

async function withoutRun(queue: Queue, schedulers: readonly Scheduler[]): Promise<Scheduler[]> {
  const states = await Promise.all(
    schedulers.map(({ key, next }) => queue.getJobState(`repeat:${key}:${next}`)),
  );
  return schedulers.filter((_, index) => endedStates.includes(states[index] as string));
}

const endedStates = ['completed', 'failed', 'unknown'];

const keysPerScan = 1_000;
const queueKeys = `${keyspace.jobsPrefix}:*`;

/**
 * Removes all data of both queues from Redis, of any type. Nothing is lost: what is due stands in
 * Postgres.
 */
export async function emptyQueues(redis: RedisClient): Promise<void> {
  const masters = mastersOf(redis);
  if (masters.length === 0) throw new Error('no master of the Cluster is known');
  for (const master of masters) {
    let cursor = '0';
    do {
      const [next, keys] = await master.scan(cursor, 'MATCH', queueKeys, 'COUNT', keysPerScan);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
  }
}
