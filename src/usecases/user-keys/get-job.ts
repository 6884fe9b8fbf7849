import type { Job } from '../../domain/bulk-order.ts';
import type { Caller } from '../../domain/principal.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { findLastKeyChangeSeq } from '../../stores/postgres/verifiers/change-feed.ts';
import type { ChangeParts } from '../change.ts';
import { findVisibleJob } from './find-visible-job.ts';

/** `propagation`: of all keys of the order; undefined while some are still to be changed. */
export type JobState = { job: Job; propagation: Propagation | undefined };

/** A job and how far it has come. `JOB_NOT_FOUND` also for a job of another caller. */
export async function getJob(
  parts: Pick<ChangeParts, 'db' | 'propagation'>,
  caller: Caller,
  id: string,
): Promise<JobState> {
  return withPropagation(parts, await findVisibleJob(parts.db, caller, id));
}

/** Its last entry is somewhere before the end of the feed. A stop is one entry, from before its job. */
export async function withPropagation(
  { db, propagation }: Pick<ChangeParts, 'db' | 'propagation'>,
  job: Job,
): Promise<JobState> {
  const isInFeed = job.finishedAt !== null || job.id.startsWith('stop_');
  if (!isInFeed) return { job, propagation: undefined };
  const told = { seq: await findLastKeyChangeSeq(db), audience: 'everybody' as const };
  return { job, propagation: await propagation.wait(told) };
}
