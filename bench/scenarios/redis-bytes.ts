import { Redis } from 'ioredis';
import { number } from '../report/statistics.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import type { Scenario } from './scenario.ts';

const samplesCount = 1_000;

export const redisBytes: Scenario = {
  name: 'redis-bytes',
  about: 'what a verified key costs in Redis, at very many keys',
  async run(stage, pace) {
    await stage.seedKeys(pace.manyKeys, 'bytes');
    const redis = new Redis(stage.redisUrl);
    stage.closing.add('connection', () => redis.disconnect());
    await redis.flushall();
    const beforeBytes = await usedMemory(redis);
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
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
          'Redis holds the packed record of every key, as a first verification writes it; user ids of 11 characters, no metadata, no scopes. used_memory counts the dictionary and the expiry as well.',
        ],
      },
    ];
  },
};

async function usedMemory(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

async function countRecords(redis: Redis): Promise<number> {
  let records = 0;
  for await (const names of redis.scanBufferStream({ match: 'fl;*', count: 1_000 })) records += names.length;
  return records;
}

async function meanMemoryUsage(redis: Redis): Promise<number> {
  let bytes = 0;
  for (let sample = 0; sample < samplesCount; sample++) {
    const name = await redis.randomkeyBuffer();
    bytes += (await redis.memory('USAGE', name ?? Buffer.alloc(0))) ?? 0;
  }
  return bytes / samplesCount;
}
