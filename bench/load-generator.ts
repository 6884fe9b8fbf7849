import { runClosedLoop } from './load/closed-loop.ts';
import { runFixedRate } from './load/fixed-rate.ts';
import { runInserts } from './load/insert-loop.ts';
import type { LoadJob, LoadResult } from './load/jobs.ts';

/** A process of its own, told by its parent what to do, one job after another. */
process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ fault: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));

function run(job: LoadJob): Promise<LoadResult> {
  if (job.kind === 'closed loop') return runClosedLoop(job);
  return job.kind === 'fixed rate' ? runFixedRate(job) : runInserts(job);
}
