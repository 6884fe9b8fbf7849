import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { LoadResult, Target } from '../load/jobs.ts';
import type { RequestPlan } from '../load/request-source.ts';
import { latencyTable } from '../report/latency-table.ts';
import { number } from '../report/statistics.ts';
import { chooseMasterKey } from '../stage/chosen-master-key.ts';
import { makeUpKeys } from '../stage/seed-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const quietly = 'nobody else';
const coldPerSecond = 200;
const strangersAtOnce = 1_500;
const madeUpKeys = 100_000;
/** Before and after the measurement. */
const floodMarginMs = 700;

export const strangers: Scenario = {
  name: 'strangers',
  about: 'latency of verification of cold keys beside floods of callers without any right',
  async run(stage, { windowMs, ...others }) {
    // The p99 of one second is its second-slowest answer.
    const pace = { ...others, windowMs: 3 * windowMs };
    await stage.seedKeys(coldPerSecond * Math.ceil(pace.windowMs / 1_000 + 1), 'strangers');
    await chooseMasterKey(stage);
    const api = await stage.startApi('api', { RECORDS_IN_MEMORY_MAX: '0' });
    const runs = await interleave(stage.otherWork, await armsOf(stage, api, pace), pace.rounds);
    const title = 'Verify keys that no cache has, while strangers knock';
    const notes = [
      `${number(coldPerSecond)} verifications per second at fixed moments, each of another key, which only Postgres has; ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. The floods are closed loops, from the core that measures. One master key was chosen by an operator, so that random secrets are worth a hash.`,
    ];
    return [latencyTable({ title, runs, columns: ['p50 ms', 'p99 ms'], reference: quietly, notes })];
  },
};

async function armsOf(stage: Stage, api: Target, pace: Pace): Promise<Arm[]> {
  const { masterKey } = stage;
  const keysFile = join(stage.directory, 'made-up-keys');
  await makeUpKeys(keysFile, madeUpKeys);
  const redis = new Redis(stage.redisUrl);
  stage.closing.add('connection', () => redis.disconnect());
  const quiet = async () => {
    await redis.flushall();
    return verifyCold(stage, api, pace);
  };
  const beside = (plan: RequestPlan, atOnce: number) => async () => {
    await redis.flushall();
    return besideFlood(stage, api, pace, plan, atOnce);
  };
  const unknown: RequestPlan = {
    kind: 'verify',
    masterKey,
    keysFile,
    count: madeUpKeys,
    draw: 'evenly',
    verdict: 'NOT_FOUND',
  };
  return [
    { name: quietly, measure: quiet },
    {
      name: `${number(strangersAtOnce)} with 48 random characters as master key`,
      measure: beside({ kind: 'strangers', secret: 'random' }, strangersAtOnce),
    },
    {
      name: `${number(strangersAtOnce)} with made-up master keys`,
      measure: beside({ kind: 'strangers', secret: 'made up' }, strangersAtOnce),
    },
    { name: 'made-up user keys through a gateway', measure: beside(unknown, connections) },
  ];
}

async function besideFlood(
  stage: Stage,
  api: Target,
  pace: Pace,
  plan: RequestPlan,
  atOnce: number,
): Promise<LoadResult> {
  const flood = stage.flood.run({
    kind: 'closed loop',
    target: api,
    connections: atOnce,
    plan,
    polls: false,
    warmUp: { forMs: floodMarginMs },
    until: { forMs: pace.windowMs + floodMarginMs },
  });
  await new Promise((resolve) => setTimeout(resolve, floodMarginMs));
  const result = await verifyCold(stage, api, pace);
  await flood;
  return result;
}

function verifyCold(stage: Stage, target: Target, pace: Pace): Promise<LoadResult> {
  const { masterKey, keysFile } = stage;
  const count = coldPerSecond * Math.ceil(pace.windowMs / 1_000 + 1);
  return stage.load.run({
    kind: 'fixed rate',
    target,
    connections,
    plan: { kind: 'verify', masterKey, keysFile, count, draw: 'once' },
    perSecond: coldPerSecond,
    forMs: pace.windowMs,
  });
}
