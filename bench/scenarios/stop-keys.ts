import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PropagationWatch } from '../../src/revocation/propagation-watch.ts';
import { findStop } from '../../src/stores/postgres/user-keys/key-stops.ts';
import { revokeKey } from '../../src/usecases/user-keys/revoke-key.ts';
import { stopKeys as stopAllKeys } from '../../src/usecases/user-keys/stop-keys.ts';
import type { LoadResult } from '../load/jobs.ts';
import { number, spreadOf } from '../report/statistics.ts';
import type { BenchServer } from '../stage/server.ts';
import type { Stage } from '../stage/stage.ts';
import { masterKeyCaller, openParts } from './changes.ts';
import { connections, type Scenario } from './scenario.ts';

const leaked = 'flm_leaked';
const others = 10_000;
const revokes = 100;
const perSecond = 2_000;
const samples = 1_000;
const tidyMsMax = 30 * 60_000;

/** Until every process that verifies has confirmed it, as an API process waits. */
const leaseMs = 15_000;

export const stopKeys: Scenario = {
  name: 'stop',
  about:
    'all keys that one master key minted, stopped at once, beside single revokes; and verification meanwhile',
  async run(stage, pace) {
    const files = { leaked: join(stage.directory, 'leaked'), others: join(stage.directory, 'others') };
    await stage.sql.query(`ALTER TABLE api_keys ALTER minted_by SET DEFAULT '${leaked}'`);
    await stage.seedKeys(pace.manyKeys, 'leaked', files.leaked);
    await stage.sql.query(`ALTER TABLE api_keys ALTER minted_by SET DEFAULT 'flm_other'`);
    const otherIds = await stage.seedKeys(others + revokes, 'other', files.others);
    await stage.sql.query('VACUUM ANALYZE api_keys');
    const [api] = [await stage.startApi('api'), await stage.startApi('second-api')];
    const parts = { ...openParts(stage) };
    const propagation = new PropagationWatch(parts.db, leaseMs);
    const caller = await masterKeyCaller(stage);
    const changes = { ...parts, propagation };

    const verify = () => verifyOthers(stage, api, files.others);
    await verify();
    const before = await verify();
    const single: number[] = [];
    for (const id of otherIds.slice(others)) single.push(await timed(() => revokeKey(changes, caller, id)));
    const subject = { kind: 'minted_by', subject: leaked } as const;
    const firstKeys = (await readFile(files.leaked, 'utf8')).split('\n').slice(0, samples);
    await askAll(stage, api, firstKeys, 'VALID');
    let stopId = '';
    const stopMs = await timed(async () => {
      const stopped = await stopAllKeys(changes, caller, subject);
      if (stopped?.propagation.isComplete !== true) throw new Error('The stop is not complete');
      stopId = stopped.stopId;
    });
    await askAll(stage, api, firstKeys, 'REVOKED');
    console.error(`stopped after ${number(stopMs, 1)} ms; now the rows are tidied`);
    const more: number[] = [];
    for (let count = 0; count < revokes; count++) {
      const other = { kind: 'user', subject: `nobody-${count}` } as const;
      more.push(await timed(() => stopAllKeys(changes, caller, other)));
    }
    const alive = await verify();
    await stage.startWorker();
    const startedMs = performance.now();
    const during: LoadResult[] = [];
    let progress = await findStop(parts.db, stopId);
    while (progress?.tidiedAt === null && performance.now() - startedMs < tidyMsMax) {
      during.push(await verify());
      await sleep(50);
      progress = await findStop(parts.db, stopId);
    }
    if (progress?.endedKeys !== pace.manyKeys) throw new Error(`${progress?.endedKeys} keys were ended`);
    const tidyMs = performance.now() - startedMs;
    const after = await verify();
    const p99 = (results: readonly LoadResult[]) => spreadOf(results.map(({ p99Ms }) => p99Ms)).median;
    const row = (name: string, results: readonly LoadResult[]) => [
      name,
      number(spreadOf(results.map(({ p50Ms }) => p50Ms)).median, 2),
      number(p99(results), 2),
      number(p99(results) / before.p99Ms, 1),
    ];
    return [
      {
        title: `A stop of ${number(pace.manyKeys)} keys`,
        columns: ['', 'ms'],
        rows: [
          [`a single revoke, p50 of ${revokes}`, number(spreadOf(single).median, 1)],
          [`the stop of ${number(pace.manyKeys)} keys`, number(stopMs, 1)],
          [`a stop, p50 of ${revokes}`, number(spreadOf(more).median, 1)],
          ['until the rows say it', number(tidyMs)],
        ],
        notes: [
          `Until “complete”, over two API processes. ${samples} of the keys were verified before, and refused directly after. The worker ends ${number((pace.manyKeys / tidyMs) * 1_000)} keys a second, with the load below beside it.`,
        ],
      },
      {
        title: 'Verification of other keys meanwhile',
        columns: ['', 'p50 ms', 'p99 ms', 'p99 ÷ before'],
        rows: [
          row('before', [before]),
          row('while the rule lives', [alive]),
          row(`while the rows are tidied (${during.length} windows)`, during),
          row('after', [after]),
        ],
        notes: [
          `${number(perSecond)} requests a second at fixed moments, from memory, in windows of two seconds; the median of the windows.`,
        ],
      },
    ];
  },
};

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

function verifyOthers(stage: Stage, target: BenchServer, keysFile: string): Promise<LoadResult> {
  return stage.load.run({
    kind: 'fixed rate',
    target,
    connections,
    plan: { kind: 'verify', masterKey: stage.masterKey, keysFile, count: others, draw: 'evenly' },
    perSecond,
    forMs: 2_000,
  });
}

/** Fails the run when one key has another verdict. */
async function askAll(
  stage: Stage,
  { port }: BenchServer,
  keys: readonly string[],
  code: string,
): Promise<void> {
  for (const key of keys) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/flowplate/api-keys/verify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-flowplate-master-key': stage.masterKey },
      body: JSON.stringify({ key }),
    });
    const verdict = (await response.json()) as { code: string };
    if (verdict.code !== code) throw new Error(`${verdict.code} in place of ${code}`);
  }
}
