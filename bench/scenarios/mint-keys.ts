import type { LoadJob, Target } from '../load/jobs.ts';
import { bareTable } from '../peers/bare-insert.ts';
import { throughputTable } from '../report/throughput-table.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import { poolSize, type Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const reference = 'bare INSERT';

/** Both tables start with the same number of rows, so that their indexes are equally deep. */
const rowsAtStart = 20_000;

export const mintKeys: Scenario = {
  name: 'mint',
  about: 'minting beside a bare one-row INSERT into a table of the same shape, alone and behind HTTP',
  async run(stage, pace) {
    await stage.seedKeys(rowsAtStart, 'mint');
    await stage.sql.query(`CREATE TABLE ${bareTable} (LIKE api_keys INCLUDING ALL)`);
    await stage.sql.query(`INSERT INTO ${bareTable} SELECT * FROM api_keys`);
    await stage.sql.query('VACUUM ANALYZE');
    const runs = await interleave(stage.otherWork, await startArms(stage, pace), pace.rounds);
    const title = 'Mint (POST /v1/flowplate/api-keys)';
    const notes = [
      `${connections} callers at once, ${poolSize} connections to Postgres, ${pace.rounds} rounds of ${pace.windowMs / 1_000} s. The bare INSERT is one prepared row into a copy of api_keys with the same indexes, called in a loop without HTTP; a mint is also the request, its checks, the key, the organization's check, the one-active-key rule and the audit event.`,
    ];
    return [throughputTable({ title, runs, reference, notes })];
  },
};

async function startArms(stage: Stage, pace: Pace): Promise<Arm[]> {
  const behindNodeHttp = await stage.startPeer('insert-node-http');
  const behindExpress = await stage.startPeer('insert-express');
  const api = await stage.startApi('api');
  const loadOnServerCore = await stage.startLoadOnServerCore();
  let round = 0;
  const mints = (target: Target) => stage.load.run(mintJob(target, stage, pace, `user${round++}`));
  return [
    { name: reference, measure: () => loadOnServerCore.run(insertJob(stage, pace)) },
    { name: 'INSERT behind node:http', measure: () => mints(behindNodeHttp) },
    { name: 'INSERT behind Express', measure: () => mints(behindExpress) },
    { name: 'mint', measure: () => mints(api) },
  ];
}

function insertJob(stage: Stage, pace: Pace): LoadJob {
  return {
    kind: 'insert',
    databaseUrl: stage.databaseUrl,
    poolSize,
    atOnce: connections,
    warmUpMs: warmUpMs(pace),
    forMs: pace.windowMs,
  };
}

function mintJob(target: Target, stage: Stage, pace: Pace, label: string): LoadJob {
  return {
    kind: 'closed loop',
    target,
    connections,
    plan: { kind: 'mint', masterKey: stage.masterKey, organizations: organizationsCount, label },
    polls: false,
    warmUp: { forMs: warmUpMs(pace) },
    until: { forMs: pace.windowMs },
  };
}

function warmUpMs(pace: Pace): number {
  return pace.windowMs / 3;
}
