import { type ConnectionOptions, Queue } from 'bullmq';
import { type JobName, jobs } from '../domain/jobs.ts';
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

/** The same queue for one who only looks: it leaves nothing there, and asks nothing of the server but what it wants to know. */
export function openQueueReadOnly(connection: ConnectionOptions, onError: (error: Error) => void): Queue {
  const prefix = keyspace.jobsPrefix;
  const queue = new Queue(queueName, { connection, prefix, skipMetasUpdate: true, skipVersionCheck: true });
  queue.on('error', onError);
  return queue;
}

/**
 * Registers the schedules that Redis does not know, and only those: registering one again would put off its next run. Returns
 * the names it had to add, all of them after Redis was emptied.
 */
export async function registerSchedules(queue: Queue): Promise<JobName[]> {
  const known = new Set((await queue.getJobSchedulers()).map((scheduler) => scheduler.key));
  const missing = (Object.keys(jobs) as JobName[]).filter((name) => !known.has(name));
  for (const name of missing) await queue.upsertJobScheduler(name, { every: jobs[name].everyMs }, { name });
  return missing;
}
