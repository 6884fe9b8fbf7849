import { inject } from 'vitest';
import { openQueueReadOnly } from '../../src/stores/queue.ts';
import { readQueueHealth } from '../../src/stores/queue-health.ts';
import { openRedis, waitUntilReady } from '../../src/stores/redis/client.ts';
import { startVerifyingLoad } from '../faults/verifying-load.ts';
import { atEnd } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { deploy, type Started } from '../support/deployment.ts';
import { type KeyCalls, keyCalls, type Minted } from '../support/key-calls.ts';
import { query } from '../support/query.ts';
import { quietPort } from '../support/quiet-port.ts';

/** Far above what is called here: only how they were enforced matters. */
const limits = { limit: 1_000_000, window_seconds: 3_600 };

/** An API, a supervised worker and keys on some kind of Redis, for what befalls it. */
export async function startDrill(redisUrl: string, env: Record<string, string> = {}) {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  const metricsPort = await quietPort();
  // No memory for records, so that Redis is asked all the time.
  const deployment = deploy(
    { databaseUrl: database.url, redisUrl },
    {
      RECORDS_IN_MEMORY_MAX: '0',
      METRICS_PORT: String(metricsPort),
      ...env,
    },
  );
  const [api, worker] = await Promise.all([deployment.startApi(), superviseWorker(deployment.startWorker)]);
  const keys = keyCalls(api.call);
  const valid = await Promise.all(Array.from({ length: 6 }, () => keys.mint()));
  const limited = await keys.mint({ rate_limit: limits, quota: { limit: 1_000_000, period: 'day' } });
  const revoked = await keys.mint();
  await keys.revoke(revoked.userId);
  return {
    deployment,
    api,
    worker,
    keys,
    limited,
    lastJobMs: watchQueue(redisUrl),
    /** Verifies without a pause; every call is counted for one of the keys. */
    load: () =>
      startVerifyingLoad(api.call, [
        ...[...valid, limited].map(({ key }) => ({ key, code: 'VALID' })),
        { key: revoked.key, code: 'REVOKED' },
      ]),
    /** Calls that Postgres has counted. */
    counted: async () => {
      const [sums] = await query(
        database.url,
        'SELECT coalesce(sum(accepted + refused), 0)::int AS calls FROM usage_totals',
      );
      return Number(sums?.calls);
    },
    /** Records that came from there: memory, Redis or Postgres. */
    recordsFrom: async (source: string) => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return Number(
        new RegExp(`^flowplate_record_lookups_total\\{source="${source}"\\} (\\d+)`, 'm').exec(text)?.[1],
      );
    },
    watchLimits: () => watchLimits(keys, limited),
  };
}

export type Drill = Awaited<ReturnType<typeof startDrill>>;

/** Starts a worker again that ended by itself, as every supervisor does. */
async function superviseWorker(start: () => Promise<Started>) {
  const workers = [await start()];
  let isOver = false;
  atEnd(() => {
    isOver = true;
  });
  const follow = (one: Started): void => {
    void one.exited.then(async () => {
      if (isOver) return;
      const next = await start().catch(() => undefined);
      if (next === undefined) return;
      workers.push(next);
      follow(next);
    });
  };
  follow(workers[0] as Started);
  return {
    starts: () => workers.length,
    stdout: () => workers.map((one) => one.stdout()).join(''),
  };
}

/** When the last job ended that the queue gave. A run that the worker began alone is none. */
function watchQueue(redisUrl: string): () => Promise<number> {
  const redis = openRedis({ redisUrl, commandTimeoutMs: 1_000 }, () => undefined);
  atEnd(() => redis.disconnect());
  return async () => {
    await waitUntilReady(redis, 1_000);
    const queue = openQueueReadOnly(redis, () => undefined);
    const health = await readQueueHealth(queue, new Date()).catch(() => undefined);
    return health?.lastCompleted?.at.getTime() ?? 0;
  };
}

type Seen = { atMs: number; enforced: boolean | 'local' };

/** How the limits of a key are enforced, looked at all the time. */
function watchLimits({ verify }: KeyCalls, { key }: Minted) {
  const seen: Seen[] = [];
  let calls = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const answer = await verify(key).catch(() => undefined);
      if (answer?.status === 200) {
        calls += 1;
        seen.push({ atMs: performance.now(), enforced: answer.body.rate_limit.enforced });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    isCounted: () => seen.at(-1)?.enforced === true,
    isLocal: () => seen.at(-1)?.enforced === 'local',
    /** Calls, and for how long the limits were not counted in Redis, from first to last. */
    stop: async () => {
      isOver = true;
      await watching;
      const local = seen.filter(({ enforced }) => enforced !== true);
      const open = seen.filter(({ enforced }) => enforced === false);
      const localMs = local.length === 0 ? 0 : (local.at(-1) as Seen).atMs - (local[0] as Seen).atMs;
      return { calls, local: local.length, localMs, open: open.length };
    },
  };
}
