import type { LoadJob, Target } from '../load/jobs.ts';
import type { RequestPlan } from '../load/request-source.ts';
import { latencyTable } from '../report/latency-table.ts';
import { number, spreadOf } from '../report/statistics.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import type { Stage } from '../stage/stage.ts';
import { interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { requireRefusal } from './require-refusal.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

export const fixedRate: Scenario = {
  name: 'fixed-rate',
  about: 'latency of verification at half of its maximum, with requests sent at fixed moments',
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'rate');
    const bare = await stage.startPeer('node-http');
    const api = await stage.startApi('api');
    await stage.startWorker();
    await requireRefusal(stage, 'verify', api);
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    await askOnce(api, stage, pace);
    const most = await highestRate(api, stage, pace);
    const perSecond = Math.round(most / 2);
    const atRate = (target: Target) => stage.load.run(fixedRateJob(target, stage, pace, perSecond));
    const runs = await interleave(
      stage.otherWork,
      [
        { name: 'node:http', measure: () => atRate(bare) },
        { name: 'verify, from memory', measure: () => atRate(api) },
      ],
      pace.rounds,
    );
    const title = 'Verify at half of the maximum rate';
    const notes = [
      `${number(perSecond)} requests per second, half of the ${number(most)} that a closed loop got just before; ${pace.rounds} rounds of ${pace.windowMs / 1_000} s over ${connections} connections. A latency counts from the moment at which its request was due, so a stall is paid for by every request that it delayed. ${await stage.ledger.requireCounted()}`,
    ];
    return [latencyTable({ title, runs, columns: ['p50 ms', 'p99 ms', 'p99.9 ms'], notes })];
  },
};

async function highestRate(target: Target, stage: Stage, pace: Pace): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round < pace.rounds; round++) {
    rates.push((await askEvenly(target, stage, pace, { polls: true })).perSecond);
  }
  return spreadOf(rates).median;
}

function fixedRateJob(target: Target, stage: Stage, pace: Pace, perSecond: number): LoadJob {
  return {
    kind: 'fixed rate',
    target,
    connections,
    plan: plan(stage, pace),
    perSecond,
    forMs: pace.windowMs,
  };
}

function plan({ masterKey, keysFile }: Stage, pace: Pace): RequestPlan {
  return { kind: 'verify', masterKey, keysFile, count: pace.keys, draw: 'evenly' };
}
