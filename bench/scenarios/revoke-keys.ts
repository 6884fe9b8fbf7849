import { join } from 'node:path';
import type { LoadJob, RaceResult, Target } from '../load/jobs.ts';
import { latencyTable } from '../report/latency-table.ts';
import { number } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import type { Pace, Scenario } from './scenario.ts';
import { openFleet } from './verifier-fleet.ts';

const sizes = [
  { name: '1 replica', apis: 1, gateways: 0 },
  { name: '3 replicas + 2 embedded verifiers', apis: 3, gateways: 2 },
] as const;

/** Concurrent revokers. */
const callers = [1, 4] as const;
const warmUpAnswers = 20;

const racers = 16;
const askersEach = 2;

export const revokeKeys: Scenario = {
  name: 'revoke',
  about: 'how long a revoke takes until nobody accepts the key, and whether anybody does afterwards',
  async run(stage, pace) {
    const fleet = await openFleet(stage);
    const runs = await interleave(stage.otherWork, newArms(fleet, stage, pace), pace.rounds);
    const title = 'Revoke (DELETE /v1/flowplate/api-keys/{key_id})';
    const notes = [
      `${pace.rounds} rounds of ${pace.revokes} revokes, each answered 200 with propagation "complete": committed, and known to every replica and every embedded verifier. Each of them is a process of its own; they share both cores with Postgres and with the caller.`,
    ];
    const latencies = latencyTable({ title, runs, columns: ['p50 ms', 'p99 ms'], notes });
    return [latencies, await raceTable(fleet, stage, pace)];
  },
};

type Fleet = Awaited<ReturnType<typeof openFleet>>;

function newArms(fleet: Fleet, stage: Stage, pace: Pace): Arm[] {
  let measurements = 0;
  return sizes.flatMap((size) =>
    callers.map((atOnce) => ({
      name: `${size.name}, ${atOnce} at once`,
      measure: async () => {
        const [first] = (await fleet.scaleTo(size)).apis;
        const keyIds = await stage.seedKeys(pace.revokes + warmUpAnswers, `revoke-${measurements++}-`);
        return stage.load.run(revokeJob(first as Target, stage, keyIds, atOnce));
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

async function raceTable(fleet: Fleet, stage: Stage, pace: Pace): Promise<Table> {
  const { apis, gateways } = await fleet.scaleTo(sizes[1]);
  const keysFile = join(stage.directory, 'raced-keys');
  const keyIds = await stage.seedKeys(pace.racedRevokes, 'race', keysFile);
  const result = await stage.load.race({
    kind: 'revoke race',
    masterKey: stage.masterKey,
    apiPorts: apis.map(({ port }) => port),
    verifierPorts: [...apis, ...gateways].map(({ port }) => port),
    keysFile,
    keyIds,
    atOnce: racers,
    askersEach,
  });
  requireNoneAllowed(result, pace);
  return {
    title: 'Verifications that race revokes',
    columns: ['', 'count'],
    rows: [
      ['revokes answered "complete"', number(result.completed)],
      ['verifications meanwhile', number(result.verified)],
      ['… sent after their key’s revoke was complete', number(result.verifiedAfter)],
      ['… of these, allowed', number(result.allowedAfter)],
    ],
    notes: [
      `${sizes[1].name}; ${racers} revokes at once, each key verified everywhere before and after, and ${askersEach} more callers at each verifier asking for the keys around. ${number(result.perSecond)} revokes per second, p50 ${number(result.p50Ms, 1)} ms, p99 ${number(result.p99Ms, 1)} ms with that load on the same two cores.`,
    ],
  };
}

/** Fails the run if the guarantee is broken. */
function requireNoneAllowed({ allowedAfter, verifiedAfter, completed }: RaceResult, pace: Pace): void {
  if (allowedAfter > 0) throw new Error(`${allowedAfter} allows after a completed revoke`);
  if (completed !== pace.racedRevokes || verifiedAfter < completed * (sizes[1].apis + sizes[1].gateways)) {
    throw new Error(`Only ${completed} revokes and ${verifiedAfter} verifications after them were seen`);
  }
}
