import { Redis } from 'ioredis';
import type { LoadJob } from '../load/jobs.ts';
import { number } from '../report/statistics.ts';
import type { Stage } from '../stage/stage.ts';
import { connections, type Scenario } from './scenario.ts';

const keysCount = 100_000;
const samplesCount = 1_000;

export const redisBytes: Scenario = {
  name: 'redis-bytes',
  about: `what a verified key costs in Redis, at ${number(keysCount)} keys`,
  async run(stage) {
    await stage.seedKeys(keysCount, 'bytes');
    const api = await stage.startApi('api');
    const redis = new Redis(stage.redisUrl);
    stage.closing.add('connection', () => redis.disconnect());
    await redis.flushall();
    const beforeBytes = await usedMemory(redis);
    await stage.load.run(verifyAllOnce(stage, api));
    await redis.del('fl:usage:flushes');
    const afterBytes = await usedMemory(redis);
    const records = await countRecords(redis);
    return [
      {
        title: `Redis at ${number(records)} keys`,
        columns: ['', 'bytes per key'],
        rows: [
          ['used_memory', number((afterBytes - beforeBytes) / records)],
          ['MEMORY USAGE, mean of a sample', number(await meanMemoryUsage(redis))],
        ],
        notes: [
          'Every key was verified once, so Redis holds its packed record under its digest; user ids of 11 characters, no metadata, no scopes. used_memory counts the dictionary and the expiry as well.',
        ],
      },
    ];
  },
};

function verifyAllOnce({ masterKey, keysFile }: Stage, target: { port: number; pid: number }): LoadJob {
  return {
    kind: 'closed loop',
    target,
    connections,
    plan: { kind: 'verify', masterKey, keysFile, count: keysCount, draw: 'once' },
    polls: false,
    warmUp: { answers: connections },
    until: { answers: keysCount - connections },
  };
}

async function usedMemory(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

async function countRecords(redis: Redis): Promise<number> {
  let records = 0;
  for await (const names of redis.scanStream({ match: 'fl:record:*', count: 1_000 })) records += names.length;
  return records;
}

async function meanMemoryUsage(redis: Redis): Promise<number> {
  let bytes = 0;
  for (let sample = 0; sample < samplesCount; sample++) {
    const name = await redis.randomkey();
    bytes += (await redis.memory('USAGE', name ?? '')) ?? 0;
  }
  return bytes / samplesCount;
}
