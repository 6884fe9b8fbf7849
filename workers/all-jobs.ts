import type { JobName } from '../src/domain/jobs.ts';
import { expireKeysJob } from './expire-keys.ts';
import type { Job } from './job.ts';
import { managePartitionsJob } from './manage-partitions.ts';
import { pruneChangesJob } from './prune-changes.ts';
import { pruneOutcomesJob } from './prune-outcomes.ts';
import { pruneSessionsJob } from './prune-sessions.ts';
import { rollUpUsageJob } from './roll-up-usage.ts';
import { sealAuditJob } from './seal-audit.ts';

/** A `Record`, so that a name without its job does not compile. */
export const allJobs: Record<JobName, Job> = {
  'roll-up-usage': rollUpUsageJob,
  'seal-audit': sealAuditJob,
  'expire-keys': expireKeysJob,
  'prune-changes': pruneChangesJob,
  'prune-outcomes': pruneOutcomesJob,
  'prune-sessions': pruneSessionsJob,
  'manage-partitions': managePartitionsJob,
};
