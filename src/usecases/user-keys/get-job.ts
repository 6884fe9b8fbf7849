import type { Caller } from '../../domain/principal.ts';
import type { ChangeParts } from '../change.ts';
import { findVisibleJob } from './find-visible-job.ts';
import { type JobState, withPropagation } from './job-state.ts';

/** A job and how far it has come. `JOB_NOT_FOUND` also for a job of another caller. */
export async function getJob(
  parts: Pick<ChangeParts, 'db' | 'propagation'>,
  caller: Caller,
  id: string,
): Promise<JobState> {
  return withPropagation(parts, await findVisibleJob(parts.db, caller, id));
}
