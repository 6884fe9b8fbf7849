import { pruneSessions } from '../src/usecases/upkeep/prune-sessions.ts';
import { defineJob } from './job.ts';

/** Doubled, the second run finds nothing old enough. */
export const pruneSessionsJob = defineJob({ name: 'prune-sessions', run: (parts) => pruneSessions(parts) });
