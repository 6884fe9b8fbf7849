import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { logLines } from '../support/processes.ts';
import { startRedisCluster, type TestCluster } from './redis-cluster-servers.ts';
import { type Drill, startDrill } from './redis-drill.ts';
import { startSentinels } from './redis-sentinel-servers.ts';
import type { Member } from './redis-servers.ts';

afterAll(endAll);

/** "Jobs resume within 30 s", from the fault. */
const resumedMsMax = 30_000;
const countedMsMax = 20_000;
/** What a master had answered and not yet passed on to its replica when it was killed. */
const lostCallsMax = 200;
const jobsKey = '{fl:jobs}:flowplate:wait';

/** Lets something befall Redis under load, and looks at everything that could have gone wrong. */
async function underLoad(drill: Drill, what: string, befall: () => Promise<unknown>) {
  // A worker that ended by itself has just been started again.
  await eventually(resumedMsMax, drill.lastJobMs, (ms) => ms > 0);
  const before = await settled(drill);
  const load = drill.load();
  const limits = drill.watchLimits();
  await eventually(10_000, limits.isCounted, Boolean);
  const begunMs = Date.now();
  await befall();
  const endedMs = Date.now();
  const resumedMs = await eventually(resumedMsMax + 10_000, drill.lastJobMs, (ms) => ms > endedMs + 500);
  await eventually(resumedMsMax, limits.isCounted, Boolean);
  const health = () => drill.api.call('GET /health/ready');
  await eventually(10_000, health, ({ body }) => body.status === 'ready');
  const { wrong: others, calls: loaded, slowestMs } = await load.stop();
  const watched = await limits.stop();
  const refused = others.filter((one) => one.startsWith('503 '));
  const calls = before + loaded - refused.length + watched.calls;
  const lost = calls - (await countedOf(drill, calls));
  const found = {
    calls: loaded + watched.calls,
    slowestMs: Math.round(slowestMs),
    faultMs: endedMs - begunMs,
    limitsLocal: watched.local,
    limitsLocalMs: Math.round(watched.localMs),
    jobsAfterMs: resumedMs - endedMs,
    refused: refused.length,
    lost,
    workerStarts: drill.worker.starts(),
  };
  process.stderr.write(`${what}: ${JSON.stringify(found)}\n`);
  expect(others.filter((one) => !refused.includes(one))).toEqual([]);
  // None on a machine that has nothing else to do.
  expect(refused.length).toBeLessThanOrEqual(loaded / 20);
  expect(watched.open).toBe(0);
  expect(found.jobsAfterMs).toBeLessThan(resumedMsMax);
  expect(lost).toBeGreaterThanOrEqual(0);
  expect(lost).toBeLessThanOrEqual(lostCallsMax);
  return found;
}

async function killUnderLoad(drill: Drill, what: string, find: () => Promise<Member>): Promise<Member> {
  const victim = await find();
  const found = await underLoad(drill, what, () => victim.kill());
  expect(found.calls).toBeGreaterThan(50);
  return victim;
}

/** All calls so far are in Postgres. */
async function settled(drill: Drill): Promise<number> {
  let last = -1;
  return eventually(
    30_000,
    async () => {
      const before = last;
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      last = await drill.counted();
      return before === last ? last : -1;
    },
    (count) => count >= 0,
  );
}

async function countedOf(drill: Drill, calls: number): Promise<number> {
  await eventually(countedMsMax, drill.counted, (count) => count >= calls).catch(() => undefined);
  return drill.counted();
}

/** Equal warnings come once in ten seconds. */
function expectQuietLogs(drill: Drill): void {
  for (const { stdout } of [drill.api, drill.worker]) expect(logLines({ stdout }).length).toBeLessThan(300);
}

test('a Sentinel group whose master is killed, and then its successor freezes: no wrong verdict, limits local meanwhile, jobs go on', async () => {
  const group = await startSentinels();
  const drill = await startDrill(group.url);
  const victim = await killUnderLoad(drill, 'Sentinel, kill -9 of the master', group.master);
  await victim.restart();
  const frozen = await group.master();
  await group.replicaOf(frozen);
  await underLoad(drill, 'Sentinel, SIGSTOP of its successor', async () => frozen.signal('SIGSTOP'));
  frozen.signal('SIGCONT');
  expectQuietLogs(drill);
});

describe('a Cluster', () => {
  let cluster: TestCluster;
  let drill: Drill;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    drill = await startDrill(cluster.url);
  });

  test('holds the records, and they are read there', async () => {
    const load = drill.load();
    await eventually(10_000, load.callsSoFar, (calls) => calls > 200);
    await load.stop();
    expect(await drill.recordsFrom('redis')).toBeGreaterThan(100);
  });

  test('whose slots move under load: no wrong verdict, no count lost', async () => {
    const limits = `fl:limit:{${drill.limited.keyId}}:rate:3600`;
    const ours = [jobsKey, 'fl:usage:flushes', limits, ...(await cluster.keys('fl;*'))];
    const slots = new Set(await Promise.all(ours.map((key) => cluster.slotOf(key))));
    const [one, other] = await Promise.all([cluster.masterOf(jobsKey), cluster.otherMaster(jobsKey)]);
    const found = await underLoad(drill, `Cluster, ${slots.size} slots of ours moved 6 times`, async () => {
      for (let round = 0; round < 3; round++)
        for (const to of [other, one]) await cluster.moveSlots(to, slots);
    });
    expect(found.lost).toBe(0);
  });

  test('whose master of the jobs is killed, and then its successor freezes', async () => {
    const find = () => cluster.masterOf(jobsKey);
    const victim = await killUnderLoad(drill, 'Cluster, kill -9 of the master of the jobs', find);
    await victim.restart();
    const frozen = await find();
    await underLoad(drill, 'Cluster, SIGSTOP of its successor', async () => frozen.signal('SIGSTOP'));
    frozen.signal('SIGCONT');
    expectQuietLogs(drill);
  });

  test('that lost all servers of one range is not up, although the others answer', async () => {
    const ready = () => drill.api.call('GET /health/ready');
    await eventually(resumedMsMax, ready, ({ body }) => body.checks.redis === 'up');
    const master = await cluster.masterOf(jobsKey);
    for (const replica of await cluster.replicasOf(master)) await replica.kill();
    await master.kill();
    const { body, status } = await eventually(10_000, ready, ({ body }) => body.checks.redis === 'down');
    expect([status, body.status]).toEqual([200, 'degraded']);
  });
});
