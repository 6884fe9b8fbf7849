import type { LoadJob, Target } from '../load/jobs.ts';
import { latencyTable } from '../report/latency-table.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import type { Pace, Scenario } from './scenario.ts';

/** Callers that revoke at the same time. */
const callers = [1, 4] as const;
const replicas = [1, 3] as const;
const warmUpAnswers = 20;

export const revokeKeys: Scenario = {
  name: 'revoke',
  about: 'how long a revoke takes until no replica accepts the key any more, with one and with three of them',
  async run(stage, pace) {
    const runs = await interleave(stage.otherWork, await startArms(stage, pace), pace.rounds);
    const title = 'Revoke (DELETE /v1/flowplate/api-keys/{key_id})';
    const notes = [
      `${pace.rounds} rounds of ${pace.revokes} revokes, each answered 200 with propagation "complete": committed, and known to every replica. All replicas share one core.`,
    ];
    return [latencyTable({ title, runs, columns: ['p50 ms', 'p99 ms'], notes })];
  },
};

async function startArms(stage: Stage, pace: Pace): Promise<Arm[]> {
  const first = await stage.startApi('api');
  const others: BenchServer[] = [];
  let measurements = 0;
  const scaleTo = async (count: number) => {
    for (const other of others.splice(count - 1)) await other.stop();
    while (others.length < count - 1) others.push(await stage.startApi(`replica-${others.length + 2}`));
  };
  return replicas.flatMap((count) =>
    callers.map((atOnce) => ({
      name: `${count} ${count === 1 ? 'replica' : 'replicas'}, ${atOnce} at once`,
      measure: async () => {
        await scaleTo(count);
        const keyIds = await stage.seedKeys(pace.revokes + warmUpAnswers, `revoke-${measurements++}-`);
        return stage.load.run(revokeJob(first, stage, keyIds, atOnce));
      },
    })),
  );
}

function revokeJob(target: Target, stage: Stage, keyIds: readonly string[], atOnce: number): LoadJob {
  return {
    kind: 'closed loop',
    target,
    connections: atOnce,
    plan: { kind: 'revoke', masterKey: stage.masterKey, keyIds },
    polls: false,
    warmUp: { answers: warmUpAnswers },
    until: { answers: keyIds.length - warmUpAnswers },
  };
}
