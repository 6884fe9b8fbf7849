import type { JobName } from '../src/domain/jobs.ts';
import type { WorkerParts } from '../src/wire/worker.ts';

/**
 * A background job: a name, whose rhythm stands in domain/jobs.ts, and one use case. It gets no payload and finds its own work, so
 * a run that is missed, repeated, killed half-way or doubled changes nothing. What it returns goes into the log.
 */
export type Job = { name: JobName; run(parts: WorkerParts): Promise<unknown> };

export function defineJob(job: Job): Job {
  return job;
}
