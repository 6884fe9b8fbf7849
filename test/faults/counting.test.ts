import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { atEnd, endAll } from '../support/at-end.ts';
import { cloneDatabase } from '../support/database.ts';
import { type Deployment, deploy, type Started, type StartOptions } from '../support/deployment.ts';
import { type EditedSource, editSource } from '../support/edited-source.ts';
import { eventually, within } from '../support/eventually.ts';
import { type KeyCalls, keyCalls } from '../support/key-calls.ts';
import { type OwnServer, ownRedis } from '../support/own-stores.ts';
import { type Moment, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { callTimes, end, everywhere, heldByRedis, readableMsMax, readSums, withRedis } from './counted.ts';

let databaseUrl: string;
let redis: OwnServer<{ url: string; port: number }>;
let deployment: Deployment;
let keys: KeyCalls;
let toPostgres: TcpProxy;
let toRedis: TcpProxy;

beforeAll(async () => {
  const database = await cloneDatabase(inject('postgresUrl'));
  atEnd(() => database.drop());
  databaseUrl = database.url;
  redis = await ownRedis();
  deployment = deploy({ databaseUrl, redisUrl: redis.current().url });
  keys = keyCalls((await deployment.startApi()).call);
  toPostgres = await startTcpProxy(Number(new URL(databaseUrl).port));
  toRedis = await startTcpProxy(redis.current().port);
});

afterAll(endAll);

type Step = { to: 'postgres' | 'redis'; text: string; following?: string };

const claim: Step = { to: 'postgres', text: 'INSERT INTO usage_flushes' };
const sums: Step = { to: 'postgres', text: 'INSERT INTO usage_hours' };
const commit: Step = { to: 'postgres', text: 'commit', following: 'INSERT INTO usage_totals' };
/** As Redis gets it; the queue's own scripts speak of HDEL, too. */
const removal: Step = { to: 'redis', text: 'hdel\r\n$16\r\nfl:usage:flushes' };

/** Statements of a roll-up, in order. */
const steps: readonly Step[] = [
  // The scripts that list and read what waits.
  { to: 'redis', text: 'HRANDFIELD' },
  { to: 'redis', text: 'HSTRLEN' },
  { to: 'postgres', text: 'pg_advisory_xact_lock(5201006)' },
  claim,
  { to: 'postgres', text: 'ensure_usage_partitions' },
  sums,
  commit,
  removal,
];

/** Before every step; and after those whose effect another one may meet. */
const killPoints: ReadonlyArray<{ step: Step; moment: Moment }> = [
  ...steps.map((step) => ({ step, moment: 'before' as const })),
  ...[claim, sums, commit, removal].map((step) => ({ step, moment: 'after' as const })),
];

const randomKills = 6;
/** Guards against hanging: a worker starts first. */
const hangingMs = 90_000;

test('a worker killed -9 at every step of its roll-up, and now and then, counts each call exactly once', async () => {
  const { key, keyId } = await keys.mint();
  const counted = { accepted: 0, refused: 0 };
  const countSome = async () => {
    counted.accepted += await callTimes(7, () => keys.verify(key), 'VALID');
    counted.refused += await callTimes(3, () => keys.verify(key, { scopes: ['none'] }), 'INSUFFICIENT_SCOPE');
  };
  for (const { step, moment } of killPoints) {
    await countSome();
    await runWorkerInto(step, moment);
  }
  for (let kill = 0; kill < randomKills; kill++) {
    const worker = await startWorker();
    await countSome();
    await sleep(Math.random() * 1_500);
    worker.kill('SIGKILL');
    await worker.exited;
  }
  await countSome();
  // Two at once, besides: a roll-up that runs twice is harmless.
  const workers = await Promise.all([startWorker(), startWorker()]);
  await within(readableMsMax, () => readSums(databaseUrl, keyId), hasAccepted(counted.accepted));
  await eventually(readableMsMax, () => heldByRedis(redis.current().url), isNothing);
  expect(await readSums(databaseUrl, keyId)).toEqual(everywhere(counted));
  for (const worker of workers) await end(worker);
}, 600_000);

const careless = {
  'forgets which flushes it has counted': {
    edit: {
      file: 'src/stores/postgres/usage/flushes.ts',
      from: 'ON CONFLICT (id) DO NOTHING RETURNING id',
      to: 'ON CONFLICT (id) DO UPDATE SET drained_at = now() RETURNING id',
    },
    killedBefore: removal,
    counts: 14,
  },
  'empties Redis before it has counted': {
    edit: {
      file: 'src/usecases/usage/roll-up-usage.ts',
      from: 'counted = await addFlushes(run.db, ids, hours);',
      to: 'await removeFlushes(run.redis, ids); counted = await addFlushes(run.db, ids, hours);',
    },
    killedBefore: claim,
    counts: 0,
  },
};

test.each(Object.entries(careless))('control arm: a worker that %s counts wrong', async (_name, arm) => {
  const source = await editSource([arm.edit]);
  const { key, keyId } = await keys.mint();
  await callTimes(7, () => keys.verify(key), 'VALID');
  await runWorkerInto(arm.killedBefore, 'before', source);
  const worker = await startWorker({ source });
  await eventually(readableMsMax, () => heldByRedis(redis.current().url), isNothing);
  expect((await readSums(databaseUrl, keyId)).accepted).toBe(arm.counts);
  await end(worker);
});

function hasAccepted(count: number): (sums: { accepted: number }) => boolean {
  return ({ accepted }) => accepted >= count;
}

function isNothing(held: number): boolean {
  return held === 0;
}

/** Gone with its test, however that ends: it would count for the next one. */
async function startWorker(options?: StartOptions): Promise<Started> {
  const worker = await deployment.startWorker(options);
  onTestFinished(() => worker.kill('SIGKILL'));
  return worker;
}

/** A worker that is killed the moment it sends this step of its roll-up. */
async function runWorkerInto(step: Step, moment: Moment, source?: EditedSource): Promise<void> {
  const redisUrl = redis.current().url;
  await eventually(
    readableMsMax,
    () => heldByRedis(redisUrl),
    (held) => held > 0,
  );
  // A worker that finds no schedules makes them, and they begin at once: nobody has to wait for the
  // next turn.
  await withRedis(redisUrl, async (client) => client.del('none', ...(await client.keys('{fl:jobs}:*'))));
  const env = { DATABASE_URL: through(toPostgres, databaseUrl), REDIS_URL: through(toRedis, redisUrl) };
  const { promise: tripped, resolve: trip } = Promise.withResolvers<void>();
  (step.to === 'redis' ? toRedis : toPostgres).arm({ ...step, moment, trip });
  const worker = await deployment.launchWorker({ env, source });
  onTestFinished(() => worker.kill('SIGKILL'));
  const never = sleep(hangingMs, undefined, { ref: false }).then(() =>
    expect.unreachable(`never sent ${step.text}`),
  );
  await Promise.race([tripped, never]);
  worker.kill('SIGKILL');
  await worker.exited;
}

function through(proxy: TcpProxy, address: string): string {
  const url = new URL(address);
  url.port = String(proxy.port);
  return url.href;
}
