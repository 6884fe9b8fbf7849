import { type Fact, Facts } from '../parts/facts.tsx';
import { number } from '../parts/number.ts';
import { Time } from '../parts/time.tsx';
import { Panel } from './panel.tsx';
import { type Queues, useQueues } from './use-overview.ts';

export function QueuesPanel() {
  const queues = useQueues();
  return (
    <Panel title="Background jobs" query={queues} height={290}>
      {(data) => <Facts facts={factsOf(data)} />}
    </Panel>
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
