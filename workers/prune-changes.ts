import { pruneChanges } from '../src/usecases/upkeep/prune-changes.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds nothing old enough. */
export const pruneChangesJob = defineJob({ name: 'prune-changes', run: (parts) => pruneChanges(parts) });
