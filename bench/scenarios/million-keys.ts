import { join } from 'node:path';
import { number } from '../report/statistics.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import { interleave } from './interleave.ts';
import { askEvenly, askOnce } from './key-load.ts';
import { requireRefusal } from './require-refusal.ts';
import { connections, type Scenario } from './scenario.ts';

const fewKeys = 10_000;

/** More than the 200,000 that memory holds by default. */
const fillsMemory = 220_000;

export const millionKeys: Scenario = {
  name: 'million-keys',
  about: 'verification when there are far more keys than memory holds, beside few keys',
  async run(stage, pace) {
    const manyFile = join(stage.directory, 'many-keys');
    await stage.seedKeys(pace.manyKeys, 'many', manyFile);
    const few = await stage.startApi('api-few-keys');
    const many = await stage.startApi('api-many-keys');
    await stage.startWorker();
    for (const api of [few, many]) await requireRefusal(stage, 'verify', api);
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    const fewDraw = { keysFile: manyFile, count: fewKeys };
    const manyDraw = { keysFile: manyFile, count: pace.manyKeys };
    await askOnce(few, stage, pace, fewDraw);
    await askOnce(many, stage, pace, { ...manyDraw, count: Math.min(pace.manyKeys, fillsMemory) });
    const reference = `${number(fewKeys)} keys`;
    const arms = [
      { name: reference, measure: () => askEvenly(few, stage, pace, { ...fewDraw, polls: false }) },
      {
        name: `${number(pace.manyKeys)} keys`,
        measure: () => askEvenly(many, stage, pace, { ...manyDraw, polls: false }),
      },
    ];
    const runs = await interleave(stage.otherWork, arms, pace.rounds);
    const title = `Verify at ${number(pace.manyKeys)} keys`;
    const notes = [
      `${connections} keep-alive connections, keys drawn evenly, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. Each API process keeps its default of 200,000 records in memory; Redis holds all of them, filled just before with what the product itself writes there. Counting and leases are on. ${await stage.ledger.requireCounted()}`,
    ];
    return [throughputTable({ title, runs, reference, notes })];
  },
};
