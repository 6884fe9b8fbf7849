import { pruneOutcomes } from '../src/usecases/upkeep/prune-idempotency.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds nothing old enough. */
export const pruneOutcomesJob = defineJob({ name: 'prune-outcomes', run: (parts) => pruneOutcomes(parts) });
