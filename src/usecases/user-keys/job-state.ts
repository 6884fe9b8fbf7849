import type { Job } from '../../domain/bulk-order.ts';
import type { Propagation } from '../../domain/propagation.ts';
import { findLastKeyChangeSeq } from '../../stores/postgres/verifiers/change-feed.ts';
import type { ChangeParts } from '../change.ts';

/** `propagation`: of all keys of the order; undefined while some are still to be changed. */
export type JobState = { job: Job; propagation: Propagation | undefined };

/** Its last entry is somewhere before the end of the feed. A stop is one entry. */
export async function withPropagation(
  { db, propagation }: Pick<ChangeParts, 'db' | 'propagation'>,
  job: Job,
): Promise<JobState> {
  const isInFeed = job.finishedAt !== null || job.id.startsWith('stop_');
  if (!isInFeed) return { job, propagation: undefined };
  const told = { seq: await findLastKeyChangeSeq(db), audience: 'everybody' as const };
  return { job, propagation: await propagation.wait(told) };
}
