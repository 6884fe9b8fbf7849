import { runClosedLoop } from './load/closed-loop.ts';
import { runEmbedded } from './load/embedded.ts';
import { runFixedRate } from './load/fixed-rate.ts';
import { runInserts } from './load/insert-loop.ts';
import type { EmbedJob, LoadJob, RaceJob } from './load/jobs.ts';
import { runRevokeRace } from './load/revoke-race.ts';

type Job = LoadJob | RaceJob | EmbedJob;

/** Load-generator process; its parent sends one job after another. */
process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: Error) => process.send?.({ fault: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));

function run(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'closed loop':
      return runClosedLoop(job);
    case 'fixed rate':
      return runFixedRate(job);
    case 'insert':
      return runInserts(job);
    case 'revoke race':
      return runRevokeRace(job);
    case 'embed':
      return runEmbedded(job);
  }
}
