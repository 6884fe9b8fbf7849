import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult, Target } from '../load/jobs.ts';
import { mintInBulk } from '../load/mint-in-bulk.ts';
import { cpuMsOf } from '../load/process-cpu.ts';
import { number, spreadOf } from '../report/statistics.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

type Minted = Pick<LoadResult, 'perSecond' | 'serverMicros'>;

/** Keys of one measurement. */
const keysEach = 10_000;

const arms: readonly { name: string; requests: number; isIdempotent: boolean }[] = [
  { name: 'one request of 10,000 lines', requests: 1, isIdempotent: false },
  { name: 'one request, with Idempotency-Key', requests: 1, isIdempotent: true },
  { name: 'four requests of 2,500 lines', requests: 4, isIdempotent: false },
  { name: 'four requests, with Idempotency-Key', requests: 4, isIdempotent: true },
];

export const inBulk: Scenario = {
  name: 'in-bulk',
  about: 'minting many keys in one request, beside single mints',
  async run(stage, pace) {
    await stage.seedKeys(20_000, 'bulk');
    await stage.sql.query('VACUUM ANALYZE');
    const api = await stage.startApi('api');
    const runs = await interleave<Minted>(stage.otherWork, armsOf(stage, pace, api), pace.rounds);
    const medians = [...runs].map(([name, seen]) => ({
      name,
      perSecond: spreadOf(seen.map(({ perSecond }) => perSecond)).median,
      micros: spreadOf(seen.map(({ serverMicros }) => serverMicros)).median,
    }));
    const single = medians[0]?.perSecond ?? Number.NaN;
    const rows = medians.map(({ name, perSecond, micros }) => [
      name,
      number(perSecond),
      (perSecond / single).toFixed(2),
      number(micros),
    ]);
    const notes = [
      `${number(keysEach)} keys of new users in existing organizations a measurement, ${pace.rounds} rounds. Single mints: ${connections} callers at once, without Idempotency-Key.`,
    ];
    return [
      {
        title: 'Mint in bulk',
        columns: ['sent as', 'keys/s', '÷ single mints', 'server µs each'],
        rows,
        notes,
      },
    ];
  },
};

function armsOf(stage: Stage, pace: Pace, api: Target): Arm<Minted>[] {
  return [
    { name: 'single mints', measure: () => singleMints(stage, pace, api) },
    ...arms.map(({ name, requests, isIdempotent }) => ({
      name,
      measure: async () => {
        await delay(200);
        const lines = keysEach / requests;
        const bulk = { port: api.port, masterKey: stage.masterKey, organizations: organizationsCount, lines };
        const [startedMs, cpuMs] = [performance.now(), cpuMsOf(api.pid)];
        await Promise.all(Array.from({ length: requests }, () => mintInBulk({ ...bulk, isIdempotent })));
        return {
          perSecond: keysEach / ((performance.now() - startedMs) / 1_000),
          serverMicros: ((cpuMsOf(api.pid) - cpuMs) * 1_000) / keysEach,
        };
      },
    })),
  ];
}

let round = 0;

function singleMints(stage: Stage, pace: Pace, target: Target): Promise<Minted> {
  return stage.load.run({
    kind: 'closed loop',
    target,
    connections,
    plan: {
      kind: 'mint',
      masterKey: stage.masterKey,
      organizations: organizationsCount,
      label: `single${round++}`,
    },
    polls: false,
    warmUp: { forMs: pace.windowMs / 3 },
    until: { forMs: pace.windowMs },
  });
}
