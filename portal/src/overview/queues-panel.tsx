import { Alert } from '@mantine/core';
import { type Fact, Facts } from '../parts/facts.tsx';
import { Time } from '../parts/time.tsx';
import { number } from './number.ts';
import { Panel } from './panel.tsx';
import { type Queues, useQueues } from './use-overview.ts';

/** Longer than a job takes while a worker runs. */
const lateSeconds = 60;

export function QueuesPanel() {
  const queues = useQueues();
  return (
    <Panel title="Background jobs" query={queues} height={290}>
      {(data) => (
        <>
          <Warning queues={data} />
          <Facts facts={factsOf(data)} />
        </>
      )}
    </Panel>
  );
}

function Warning({ queues: { up, queue } }: { queues: Queues }) {
  if (!up) {
    return (
      <Alert color="red" title="Redis does not answer" role="status">
        Keys are verified all the same. The work of the jobs is late until it is back.
      </Alert>
    );
  }
  if (queue === null || queue.oldest_due === null || queue.oldest_due.seconds < lateSeconds) return null;
  return (
    <Alert color="red" title={`${queue.oldest_due.job} is late`} role="status">
      No worker has taken it. Is one running? Usage is not added up meanwhile, and the audit log not sealed.
    </Alert>
  );
}

function factsOf({ queue, usage_flushes_waiting: flushes }: Queues): Fact[] {
  return [
    ['Waiting', queue && number(queue.waiting)],
    ['Active', queue && number(queue.active)],
    ['To come', queue && number(queue.delayed)],
    ['Failed', queue && number(queue.failed)],
    ['Due longest', queue && momentOf(queue.oldest_due, 'None')],
    ['Last completed', queue && momentOf(queue.last_completed, 'None yet')],
    ['Last failed', queue && momentOf(queue.last_failed, 'None')],
    ['Counts waiting', flushes === null ? null : `${number(flushes)} not added up yet`],
  ].map(([label, value]) => [label, value ?? 'Unknown'] as Fact);
}

function momentOf(moment: { job: string; at: string } | null, none: string) {
  if (moment === null) return none;
  return (
    <>
      {moment.job}, <Time at={moment.at} none="—" />
    </>
  );
}
