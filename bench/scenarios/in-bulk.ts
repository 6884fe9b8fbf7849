import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../load/jobs.ts';
import { mintInBulk } from '../load/mint-in-bulk.ts';
import { number, spreadOf } from '../report/statistics.ts';
import { organizationsCount } from '../stage/seed-keys.ts';
import type { Stage } from '../stage/stage.ts';
import { type Arm, interleave } from './interleave.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

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
    const runs = await interleave<number>(stage.otherWork, armsOf(stage, pace, api), pace.rounds);
    const [single = 1] = [...runs.values()].map((seen) => spreadOf(seen).median);
    const rows = [...runs].map(([name, seen]) => {
      const keys = spreadOf(seen).median;
      return [name, number(keys), (keys / single).toFixed(2)];
    });
    const notes = [
      `${number(keysEach)} keys of new users in existing organizations a measurement, ${pace.rounds} rounds. Single mints: ${connections} callers at once, without Idempotency-Key.`,
    ];
    return [{ title: 'Mint in bulk', columns: ['sent as', 'keys/s', 'of single mints'], rows, notes }];
  },
};

function armsOf(stage: Stage, pace: Pace, api: Target): Arm<number>[] {
  return [
    { name: 'single mints', measure: () => singleMints(stage, pace, api) },
    ...arms.map(({ name, requests, isIdempotent }) => ({
      name,
      measure: async () => {
        await delay(200);
        const lines = keysEach / requests;
        const bulk = { port: api.port, masterKey: stage.masterKey, organizations: organizationsCount, lines };
        const startedMs = performance.now();
        await Promise.all(Array.from({ length: requests }, () => mintInBulk({ ...bulk, isIdempotent })));
        return keysEach / ((performance.now() - startedMs) / 1_000);
      },
    })),
  ];
}

let round = 0;

async function singleMints(stage: Stage, pace: Pace, target: Target): Promise<number> {
  const { perSecond } = await stage.load.run({
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
  return perSecond;
}
