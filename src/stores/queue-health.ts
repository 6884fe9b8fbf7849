import type { Job, Queue } from 'bullmq';
import { timeMsMax } from '../domain/read-time.ts';
import type { RedisClient } from './redis/client.ts';

/** A run of a job, with its end or due time. */
export type JobMoment = { job: string; at: Date };

export type QueueHealth = {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** The longest-due run that no worker has started. */
  oldestDue: (JobMoment & { seconds: number }) | null;
  lastCompleted: JobMoment | null;
  lastFailed: JobMoment | null;
};

/** More than there are schedules, each with one pending run. */
const runsToComeMax = 100;

/**
 * Reads the queue from a process without a worker. BullMQ would wait for an unavailable Redis. Here
 * it fails at once, or within the command's time-out. The next read after a failure starts afresh.
 */
export class QueueWatch {
  readonly #redis: RedisClient;
  readonly #open: () => Queue;
  #queue: Queue | undefined;

  constructor(redis: RedisClient, open: () => Queue) {
    this.#redis = redis;
    this.#open = open;
  }

  async read(): Promise<QueueHealth> {
    if (this.#redis.status !== 'ready') throw new Error('the Redis of the queue does not answer');
    this.#queue ??= this.#open();
    try {
      return await readQueueHealth(this.#queue, new Date());
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const queue = this.#queue;
    this.#queue = undefined;
    await queue?.close();
  }
}

export async function readQueueHealth(queue: Queue, now: Date): Promise<QueueHealth> {
  const [counts, toCome, completed, failed] = await Promise.all([
    queue.getJobCounts('wait', 'active', 'delayed', 'failed'),
    queue.getJobs(['wait', 'delayed'], 0, runsToComeMax),
    queue.getJobs(['completed'], 0, 0),
    queue.getJobs(['failed'], 0, 0),
  ]);
  return {
    waiting: counts.wait ?? 0,
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    failed: counts.failed ?? 0,
    oldestDue: oldestDue(toCome, now),
    lastCompleted: endOf(completed[0]),
    lastFailed: endOf(failed[0]),
  };
}

/** Reads both lists, because only a worker moves a due run to the waiting ones. */
function oldestDue(jobs: readonly Job[], now: Date): QueueHealth['oldestDue'] {
  const [oldest] = jobs
    .flatMap((job) => momentOf(job, job.timestamp + (job.opts.delay ?? 0)) ?? [])
    .filter(({ at }) => at <= now)
    .sort((one, other) => one.at.getTime() - other.at.getTime());
  return oldest === undefined
    ? null
    : { ...oldest, seconds: Math.floor((now.getTime() - oldest.at.getTime()) / 1_000) };
}

function endOf(job: Job | undefined): JobMoment | null {
  return (job && momentOf(job, job.finishedOn)) ?? null;
}

const nameLengthMax = 100;

/** Undefined for an invalid time: data in Redis may be foreign. */
function momentOf({ name }: Job, atMs: number | undefined): JobMoment | undefined {
  if (atMs === undefined || !(Math.abs(atMs) <= timeMsMax)) return undefined;
  return { job: String(name).slice(0, nameLengthMax), at: new Date(atMs) };
}
