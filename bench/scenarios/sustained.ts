import type { LoadResult, Target } from '../load/jobs.ts';
import { cpuMsOf } from '../load/process-cpu.ts';
import { number } from '../report/statistics.ts';
import { settleMsMax } from '../stage/call-ledger.ts';
import { fillRedis } from '../stage/fill-redis.ts';
import type { Stage } from '../stage/stage.ts';
import { askOnce } from './key-load.ts';
import { requireRefusal } from './require-refusal.ts';
import { connections, type Pace, type Scenario } from './scenario.ts';

const lookMs = 500;

const doors = { 'JSON verify': 'verify', 'forward auth': 'authorize' } as const;

export const sustained: Scenario = {
  name: 'sustained',
  about:
    'a minute of verification at full load with the worker beside it: is every call counted, and how soon',
  async run(stage, pace) {
    await stage.seedKeys(pace.keys, 'sustained');
    const api = await stage.startApi('api');
    const worker = await stage.startWorker();
    await requireRefusal(stage, 'verify', api);
    await fillRedis(stage.sql, stage.redisUrl, stage.keyring);
    await askOnce(api, stage, pace);
    await stage.ledger.requireCounted();
    const rows: string[][] = [];
    for (const [name, kind] of Object.entries(doors)) {
      rows.push([name, ...(await keepUp(stage, pace, { api, worker }, kind))]);
    }
    return [
      {
        title: `Load that lasts: ${pace.sustainedMs / 1_000} s`,
        columns: [
          '',
          'per second',
          'p50 ms',
          'p99 ms',
          'calls answered',
          'counted in Postgres',
          'flushes waiting at most',
          'counted after s at most',
          'empty after s',
          'worker µs a call',
        ],
        rows,
        notes: [
          `${connections} keep-alive connections, ${number(pace.keys)} keys drawn evenly, so that nearly every call is a line of its own; server, load, worker, Postgres and Redis on the same two cores. The run fails unless every call is counted and nothing waits ${settleMsMax / 1_000} s after the load.`,
        ],
      },
    ];
  },
};

async function keepUp(
  stage: Stage,
  pace: Pace,
  { api, worker }: { api: Target; worker: Target },
  kind: 'verify' | 'authorize',
): Promise<string[]> {
  const before = await stage.ledger.counted();
  const workerBeforeMs = cpuMsOf(worker.pid);
  const { result, waitingMax, looks } = await whileWatching(stage, () => ask(stage, pace, api, kind));
  const endedMs = performance.now();
  await stage.ledger.requireCounted();
  const emptyMs = performance.now() - endedMs;
  const workerMicros = ((cpuMsOf(worker.pid) - workerBeforeMs) * 1_000) / result.inAll.right;
  return [
    number(result.perSecond),
    number(result.p50Ms, 2),
    number(result.p99Ms, 2),
    number(result.inAll.right),
    number((await stage.ledger.counted()) - before),
    number(waitingMax),
    number(lagOf(looks, before, result.perSecond), 1),
    number(emptyMs / 1_000, 1),
    number(workerMicros, 1),
  ];
}

function ask(stage: Stage, pace: Pace, target: Target, kind: 'verify' | 'authorize'): Promise<LoadResult> {
  const keys = {
    masterKey: stage.masterKey,
    keysFile: stage.keysFile,
    count: pace.keys,
    draw: 'evenly',
  } as const;
  return stage.load.run({
    kind: 'closed loop',
    target,
    connections,
    plan: kind === 'verify' ? { kind, ...keys } : { kind, ...keys, isBare: false, sender: 'minimal' },
    polls: false,
    warmUp: { answers: connections },
    until: { forMs: pace.sustainedMs },
  });
}

/** Counted calls at a time after the start. */
type Look = { afterMs: number; counted: number };

async function whileWatching(
  stage: Stage,
  load: () => Promise<LoadResult>,
): Promise<{ result: LoadResult; waitingMax: number; looks: Look[] }> {
  const startedMs = performance.now();
  const looks: Look[] = [];
  let waitingMax = 0;
  const look = async () => {
    waitingMax = Math.max(waitingMax, await stage.ledger.flushesWaiting());
    const afterMs = performance.now() - startedMs;
    looks.push({ afterMs, counted: await stage.ledger.counted() });
  };
  const timer = setInterval(() => void look(), lookMs);
  try {
    return { result: await load(), waitingMax, looks };
  } finally {
    clearInterval(timer);
  }
}

/** Maximum age of an uncounted call: the load is even, so a number of calls is a time. */
function lagOf(looks: readonly Look[], before: number, perSecond: number): number {
  return looks.reduce(
    (most, { afterMs, counted }) => Math.max(most, afterMs / 1_000 - (counted - before) / perSecond),
    0,
  );
}
