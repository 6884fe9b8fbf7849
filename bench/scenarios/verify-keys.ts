import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadJob, Target } from '../load/jobs.ts';
import { number } from '../report/statistics.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { forgetRecords } from '../stage/forget-records.ts';
import { makeUpKeys } from '../stage/seed-keys.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { requireRefusal } from './require-refusal.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

/** The cold variant asks for each key once, so it needs more keys than one measurement can use. */
const coldKeysPerSecondMax = 15_000;

export const verifyKeys: Scenario = {
  name: 'verify',
  about:
    'JSON verify from memory, Redis and Postgres, without Redis, and of unknown keys, beside bare node:http',
  async run(stage, pace) {
    const coldKeys = Math.ceil((coldKeysPerSecondMax * pace.windowMs) / 1_000);
    await stage.seedKeys(Math.max(pace.keys, coldKeys), 'verify');
    await stage.startWorker();
    const runs = await interleave(stage.otherWork, await startArms(stage, pace, coldKeys), pace.rounds);
    const title = 'Verify (POST /v1/flowplate/api-keys/verify)';
    const notes = [
      `${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly (cold: each key once), ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Counting and leases are on. ${await stage.ledger.requireCounted()}`,
    ];
    return [throughputTable({ title, runs, reference, notes })];
  },
};

const reference = 'node:http';

async function startArms(stage: Stage, pace: Pace, coldKeys: number): Promise<Arm[]> {
  const bare = await stage.startPeer('node-http');
  const api = await stage.startApi('api');
  const withoutLane = await stage.startApi('api-without-fast-lane', { FAST_LANE: 'off' });
  const forgetful = await stage.startApi('api-without-memory', { RECORDS_IN_MEMORY_MAX: '0' });
  for (const server of [api, withoutLane, forgetful]) await requireRefusal(stage, 'verify', server);
  await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
  for (const server of [api, withoutLane]) await askOnce(server, stage, pace);
  const alone = await startWithoutRedis(stage, pace);
  const unknown = { keysFile: join(stage.directory, 'made-up-keys'), verdict: 'NOT_FOUND' } as const;
  await makeUpKeys(unknown.keysFile, pace.keys);
  return [
    { name: reference, measure: () => askEvenly(bare, stage, pace, { polls: true }) },
    { name: 'warm: from memory', measure: () => askEvenly(api, stage, pace, { polls: true }) },
    { name: 'the same, FAST_LANE=off', measure: () => askEvenly(withoutLane, stage, pace, { polls: true }) },
    { name: 'the same with Redis down', measure: () => askEvenly(alone, stage, pace, { polls: false }) },
    {
      name: 'memory off: from Redis',
      measure: async () => {
        await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
        return askEvenly(forgetful, stage, pace, { polls: false });
      },
    },
    {
      name: 'all cold: from Postgres',
      measure: async () => {
        await forgetRecords(stage.redis);
        return stage.load.run(coldJob(forgetful, stage, coldKeys, pace));
      },
    },
    {
      name: 'unknown, well-formed keys',
      measure: () => askEvenly(api, stage, pace, { polls: false, ...unknown }),
    },
  ];
}

/** Loads its keys into memory, then removes its Redis for good. */
async function startWithoutRedis(stage: Stage, pace: Pace): Promise<BenchServer> {
  const redis = await stage.ownRedis();
  const api = await stage.startApi('api-without-redis', { REDIS_URL: redis.url });
  await fillRedis(stage.sql, redis.url, stage.keyring);
  await askOnce(api, stage, pace);
  // Usage so far is flushed, and lost with that Redis.
  await sleep(1_000);
  await redis.stop();
  stage.ledger.follow(api.port);
  await requireRefusal(stage, 'verify without Redis', api);
  return api;
}

function coldJob(target: Target, stage: Stage, coldKeys: number, pace: Pace): LoadJob {
  const { masterKey, keysFile } = stage;
  return {
    kind: 'closed loop',
    target,
    connections,
    plan: { kind: 'verify', masterKey, keysFile, count: coldKeys, draw: 'once' },
    polls: false,
    warmUp: { answers: Math.ceil(coldKeys / 20) },
    until: { forMs: pace.windowMs },
  };
}
