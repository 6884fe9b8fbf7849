import { afterAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
afterAll(endAll);

const countedTo = (line: string, count: number) =>
  eventually(
    15_000,
    () => stores.counted(line),
    (counted) => counted >= count,
  );
const nothingWaits = () => eventually(15_000, stores.waiting, (waiting) => waiting === 0);

test('a worker killed in the middle of a roll-up loses nothing and doubles nothing', async () => {
  const arrange = async () => {
    await stores.push('flk_before_commit', 40);
    return stores.startWorker();
  };
  await stores.whileRollUpWaits(arrange, async (worker) => {
    worker.kill('SIGKILL');
    await worker.exited;
  });
  expect(await stores.counted('flk_before_commit')).toBe(0);
  expect(await stores.waiting()).toBe(40);

  const next = await stores.startWorker();
  await countedTo('flk_before_commit', 40);
  await nothingWaits();
  expect(await stores.counted('flk_before_commit')).toBe(40);
  next.kill('SIGTERM');
  await next.exited;
});

test('a worker killed after the commit and before the removal does neither', async () => {
  const before = await stores.rolledUp();
  const arrange = async () => {
    await stores.push('flk_after_commit', 40);
    return stores.startWorker();
  };
  const worker = await stores.whileRollUpWaits(arrange, async () => {
    // Reads go on; the removal waits.
    await stores.redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
  });
  await eventually(10_000, stores.rolledUp, (count) => count === before + 40);
  worker.kill('SIGKILL');
  await worker.exited;
  await stores.redis.call('CLIENT', 'UNPAUSE');
  expect(await stores.waiting()).toBe(40);

  const next = await stores.startWorker();
  await nothingWaits();
  expect(await stores.counted('flk_after_commit')).toBe(40);
  next.kill('SIGTERM');
  await next.exited;
});

test('two workers at once count every call once, while calls keep coming', async () => {
  const workers = await Promise.all([stores.startWorker(), stores.startWorker()]);
  for (let round = 0; round < 10; round++) {
    await stores.push('flk_two', 30);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await countedTo('flk_two', 300);
  await nothingWaits();
  expect(await stores.counted('flk_two')).toBe(300);
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map(({ exited }) => exited));
});
