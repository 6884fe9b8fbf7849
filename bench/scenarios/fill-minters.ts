import { readFillProgress } from '../../src/stores/postgres/user-keys/minted-by-fill.ts';
import type { LoadResult } from '../load/jobs.ts';
import { number, spreadOf } from '../report/statistics.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import { seedOldKeys } from '../stage/seed-old-keys.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { openParts } from './changes.ts';
import type { Scenario } from './scenario.ts';

const perSecond = 200;
const windowMs = 2_000;
const connections = 16;
const windowsBefore = 5;
const fillMsMax = 40 * 60_000;

export const fillMinters: Scenario = {
  name: 'fill-minters',
  about: 'minted_by of very many old keys, filled from their audit events, and mints meanwhile',
  async run(stage, pace) {
    await seedOldKeys(stage.sql, pace.manyKeys, 'flm_old');
    const { db } = openParts(stage);
    const api = await stage.startApi('api');
    let windows = 0;
    const mint = () => mintSome(stage, api, `window${windows++}`);
    await mint();
    const before: LoadResult[] = [];
    while (before.length < windowsBefore) before.push(await mint());
    const startedMs = performance.now();
    await stage.startWorker();
    const during: LoadResult[] = [];
    let progress = await readFillProgress(db);
    while (!progress.isDone && performance.now() - startedMs < fillMsMax) {
      during.push(await mint());
      progress = await readFillProgress(db);
    }
    const filledMs = performance.now() - startedMs;
    if (Number(progress.filled) !== pace.manyKeys) throw new Error(`${progress.filled} keys were filled`);
    const refused = [...before, ...during].reduce((sum, { wrong }) => sum + wrong, 0);
    if (refused > 0) throw new Error(`${refused} mints were refused`);
    const median = (results: readonly LoadResult[], figure: 'p50Ms' | 'p99Ms') =>
      number(spreadOf(results.map((result) => result[figure])).median, 2);
    const worst = (results: readonly LoadResult[]) =>
      number(Math.max(...results.map(({ p999Ms }) => p999Ms)), 1);
    const row = (name: string, results: readonly LoadResult[]) => [
      name,
      median(results, 'p50Ms'),
      median(results, 'p99Ms'),
      worst(results),
    ];
    return [
      {
        title: `minted_by of ${number(pace.manyKeys)} old keys`,
        columns: ['mints', 'p50 ms', 'p99 ms', 'worst p99.9 ms'],
        rows: [
          row(`before (${before.length} windows)`, before),
          row(`while it is filled (${during.length} windows)`, during),
        ],
        notes: [
          `Filled from as many audit events in ${number(filledMs / 1_000)} s: ${number((pace.manyKeys / filledMs) * 1_000)} keys a second, with the pauses of the worker. ${number(perSecond)} mints a second at fixed moments, in windows of two seconds, the median of the windows; none was refused.`,
        ],
      },
    ];
  },
};

function mintSome(stage: Stage, target: BenchServer, label: string): Promise<LoadResult> {
  return stage.load.run({
    kind: 'fixed rate',
    target,
    connections,
    plan: { kind: 'mint', masterKey: stage.masterKey, organizations: organizationsCount, label },
    perSecond,
    forMs: windowMs,
  });
}
