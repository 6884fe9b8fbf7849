import { afterAll, expect, test } from 'vitest';
import { openQueue, registerSchedules } from '../../src/stores/queue.ts';
import { openQueueRedis } from '../../src/stores/redis/client.ts';
import { jobs } from '../../workers/jobs.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { logLines } from '../support/processes.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
const queueRedis = openQueueRedis({ redisUrl: stores.redisUrl }, () => undefined);
const queue = openQueue(queueRedis, () => undefined);
atEnd(async () => {
  await queue.close();
  queueRedis.disconnect();
});
afterAll(endAll);

const names = Object.keys(jobs).sort();
const scheduled = async () => (await queue.getJobSchedulers()).map(({ key }) => key).sort();
const allScheduled = () => eventually(15_000, scheduled, (keys) => keys.length === names.length);

test('registering again adds nothing and puts no run off', async () => {
  expect((await registerSchedules(queue, jobs)).sort()).toEqual(names);
  const next = await queue.getJobSchedulers();
  expect(await registerSchedules(queue, jobs)).toEqual([]);
  expect(await queue.getJobSchedulers()).toEqual(next);
});

test('a schedule that is known and has lost its next run is found and goes on', async () => {
  await registerSchedules(queue, jobs);
  const [lost] = (await queue.getJobSchedulers()).filter(({ key }) => key === 'manage-partitions');
  const job = await queue.getJob(`repeat:manage-partitions:${lost?.next}`);
  // What a failover can do: the scheduler is there, its job is not.
  await stores.redis.del(`{fl:jobs}:flowplate:${job?.id}`);
  await stores.redis.lrem('{fl:jobs}:flowplate:wait', 0, job?.id as string);
  await stores.redis.zrem('{fl:jobs}:flowplate:delayed', job?.id as string);
  expect(await registerSchedules(queue, jobs)).toEqual(['manage-partitions']);
  const [found] = (await queue.getJobSchedulers()).filter(({ key }) => key === 'manage-partitions');
  expect(await queue.getJobState(`repeat:manage-partitions:${found?.next}`)).toMatch(/delayed|waiting/);
  expect(await registerSchedules(queue, jobs)).toEqual([]);
});

test('the schedules come back after Redis was emptied, and the jobs run again', async () => {
  const worker = await stores.startWorker();
  expect(await allScheduled()).toEqual(names);
  await stores.redis.flushall();
  expect(await scheduled()).toEqual([]);
  expect(await allScheduled()).toEqual(names);
  await stores.push('flk_after_flush', 5);
  await eventually(
    10_000,
    () => stores.counted('flk_after_flush'),
    (count) => count === 5,
  );
  const registered = logLines(worker).filter(({ msg }) => msg === 'schedules registered');
  expect(registered.map(({ jobs: added }) => (added as string[]).length)).toContain(names.length);
  worker.kill('SIGTERM');
  await worker.exited;
});

test('no job carries a payload', async () => {
  const waiting = await queue.getJobs(['delayed', 'waiting', 'completed', 'failed', 'active']);
  expect(waiting.length).toBeGreaterThan(0);
  for (const job of waiting) expect(job.data).toEqual({});
});

test('SIGTERM ends a worker cleanly: what runs is finished, and every connection is closed', async () => {
  const worker = await stores.startWorker();
  const arrange = () => stores.push('flk_at_the_end', 20);
  await stores.whileRollUpWaits(arrange, async () => {
    worker.kill('SIGTERM');
    await eventually(5_000, () => logLines(worker).some(({ msg }) => msg === 'stopping'), Boolean);
  });
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(await stores.counted('flk_at_the_end')).toBe(20);
  expect(await stores.waiting()).toBe(0);
  expect(logLines(worker).at(-1)?.msg).toBe('stopped');
  expect(logLines(worker).filter(({ level }) => level === 'error')).toEqual([]);
  await eventually(5_000, stores.connected, (count) => count === 0);
});

test('a second SIGTERM does not cut the first one short', async () => {
  const worker = await stores.startWorker();
  const arrange = () => stores.push('flk_twice', 10);
  await stores.whileRollUpWaits(arrange, async () => {
    worker.kill('SIGTERM');
    await eventually(5_000, () => logLines(worker).some(({ msg }) => msg === 'stopping'), Boolean);
    worker.kill('SIGTERM');
    worker.kill('SIGINT');
  });
  expect(await worker.exited).toEqual({ code: 0, signal: null });
  expect(await stores.counted('flk_twice')).toBe(10);
});
