import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult, Target } from '../load/jobs.ts';
import { inWords } from '../report/statistics.ts';
import type { Table } from '../report/table.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave, type Runs } from './interleave.ts';
import type { Pace, Scenario } from './scenario.ts';

const sizes = [0, 5, 20, 100, 200] as const;
const reference = nameOf(0);
const large = 1_000;

/** Gateways share processes: a process of each would measure the scheduler of two cores. */
const processes = 4;
const warmUpAnswers = 20;
const revokesOfLarge = 200;

/** Postgres counts what a connection has done after a second of idleness. */
const statisticsDelayMs = 1_500;

export type RevokeWithGateways = LoadResult & { transactions: number };

/** Settings of an API process for all of these verifiers. */
export const roomForGateways = { VERIFIERS_PER_MASTER_KEY_MAX: '2000' };

export const gateways: Scenario = {
  name: 'gateways',
  about: 'how long a revoke takes, and what it costs Postgres, with 0 to 1,000 gateways to wait for',
  async run(stage, pace) {
    const api = await stage.startApi('api', roomForGateways, 'any');
    const runs = await interleave(
      stage.otherWork,
      gatewayArms(api, stage, pace, sizes),
      Math.max(pace.rounds, 10),
    );
    const one = await measure(api, stage, large, revokesOfLarge, 'large-');
    return [tableOf(runs, pace), largeTable(one)];
  },
};

export function nameOf(size: number): string {
  return `${size} gateways`;
}

/** `api` has room for as many verifiers of one master key. */
export function gatewayArms(
  api: BenchServer,
  stage: Stage,
  pace: Pace,
  counts: readonly number[],
): Arm<RevokeWithGateways>[] {
  let measurements = 0;
  return counts.map((size) => ({
    name: nameOf(size),
    measure: () => measure(api, stage, size, pace.revokes, `gateways-${measurements++}-`),
  }));
}

async function measure(
  api: BenchServer,
  stage: Stage,
  size: number,
  revokes: number,
  label: string,
): Promise<RevokeWithGateways> {
  const crowds = await startCrowds(api, stage, size, label);
  const keyIds = await stage.seedKeys(revokes + warmUpAnswers, label);
  const before = await transactionsSoFar(stage);
  const result = await stage.load.run({
    kind: 'closed loop',
    target: api as Target,
    connections: 1,
    plan: { kind: 'revoke', masterKey: stage.masterKey, keyIds },
    polls: false,
    warmUp: { answers: warmUpAnswers },
    until: { answers: revokes },
  });
  const after = await transactionsSoFar(stage);
  await Promise.all(crowds.map((crowd) => crowd.stop()));
  return { ...result, transactions: (after - before) / keyIds.length };
}

async function startCrowds(
  api: BenchServer,
  stage: Stage,
  size: number,
  label: string,
): Promise<BenchServer[]> {
  const shares = Array.from({ length: processes }, (_, index) => Math.floor((size + index) / processes));
  return Promise.all(
    shares
      .filter((share) => share > 0)
      .map((share, index) => {
        const own = {
          BROKER_URL: `http://127.0.0.1:${api.port}`,
          MASTER_KEY: stage.masterKey,
          VERIFIERS: String(share),
        };
        return stage.startPeer('verifier-crowd', own, `${label}crowd-${index}`, 'any');
      }),
  );
}

async function transactionsSoFar({ sql }: Stage): Promise<number> {
  await sleep(statisticsDelayMs);
  const { rows } = await sql.query<{ count: string }>(
    'SELECT xact_commit AS count FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.count);
}

function tableOf(runs: Runs<RevokeWithGateways>, pace: Pace): Table {
  const without = runs.get(reference) ?? [];
  return {
    title: 'Revoke with gateways that hold leases',
    columns: [
      '',
      'p50 ms',
      'p99 ms',
      `p50 ÷ ${reference}`,
      'API process ms each',
      'transactions of Postgres each',
    ],
    rows: [...runs].map(([name, results]) => [
      name,
      inWords(
        results.map(({ p50Ms }) => p50Ms),
        1,
      ),
      inWords(
        results.map(({ p99Ms }) => p99Ms),
        1,
      ),
      inWords(
        results.map(({ p50Ms }, round) => p50Ms / (without[round]?.p50Ms ?? Number.NaN)),
        2,
      ),
      inWords(
        results.map(({ serverMicros }) => serverMicros / 1_000),
        1,
      ),
      inWords(
        results.map(({ transactions }) => transactions),
        1,
      ),
    ]),
    notes: [
      `Each round ${pace.revokes} revokes, one after another, each answered 200 with propagation "complete". The gateways share ${processes} processes, and all of it both cores. Transactions include heartbeats and those of idle times.`,
    ],
  };
}

function largeTable({ p50Ms, p99Ms, transactions }: RevokeWithGateways): Table {
  return {
    title: `Revoke with ${large} gateways`,
    columns: ['p50 ms', 'p99 ms', 'transactions'],
    rows: [[p50Ms.toFixed(1), p99Ms.toFixed(1), transactions.toFixed(1)]],
    notes: [`${revokesOfLarge} revokes, each "complete".`],
  };
}
