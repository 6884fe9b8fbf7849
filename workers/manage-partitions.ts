import { managePartitions } from '../src/usecases/usage/manage-partitions.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds every partition made and none left to drop. */
export const managePartitionsJob = defineJob({
  name: 'manage-partitions',
  run: (parts) => managePartitions(parts),
});
