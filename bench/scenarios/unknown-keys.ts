import { join } from 'node:path';
import { number } from '../report/statistics.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { makeUpKeys } from '../stage/seed-keys.ts';
import { interleave } from './interleave.ts';
import { askEvenly } from './key-load.ts';
import { connections, type Scenario } from './scenario.ts';

const reference = 'node:http';
/** In the table, so that a look-up is one in a table of some size. */
const rowsAtStart = 20_000;

export const unknownKeys: Scenario = {
  name: 'unknown-keys',
  about: 'JSON verify of well-formed keys that nobody has minted, beside bare node:http',
  async run(stage, pace) {
    await stage.seedKeys(rowsAtStart, 'unknown');
    await stage.sql.query('VACUUM ANALYZE api_keys');
    const bare = await stage.startPeer('node-http');
    const api = await stage.startUnpacedApi('api');
    const made = { keysFile: join(stage.directory, 'made-up-keys'), verdict: 'NOT_FOUND' } as const;
    await makeUpKeys(made.keysFile, pace.keys);
    const rounds = 2 * pace.rounds;
    const arms = [
      { name: reference, measure: () => askEvenly(bare, stage, pace, { polls: true, count: rowsAtStart }) },
      { name: 'unknown keys', measure: () => askEvenly(api, stage, pace, { polls: false, ...made }) },
    ];
    const runs = await interleave(stage.otherWork, arms, rounds);
    const title = 'Verify unknown, well-formed keys';
    const notes = [
      `${connections} keep-alive connections, ${number(pace.keys)} made-up keys drawn evenly, ${rounds} rounds of ${pace.windowMs / 1_000} s. Memory, Redis and Postgres are asked for each. The API holds answers to unknown keys back to 1,000 a second; here it does not, so that their cost is seen.`,
    ];
    return [throughputTable({ title, runs, reference, notes })];
  },
};
