import { afterAll, expect, test } from 'vitest';
import { openQueue } from '../../src/stores/queue.ts';
import { openQueueRedis } from '../../src/stores/redis/client.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { editSource } from '../support/edited-source.ts';
import { loggedLine, logLines } from '../support/processes.ts';
import { workerStores } from '../support/worker-stores.ts';

afterAll(endAll);

const fatal = 'the queue gives this worker no runs that are due: it ends, to be started again';

/** What BullMQ's loop does after some failovers of a Cluster: nothing, for good. */
const hangs = {
  file: 'workers/main.ts',
  from: 'concurrency: places,',
  to: 'concurrency: places, autorun: false,',
};

test('a worker whose queue hangs counts all the same, and ends within a minute to be started again', async () => {
  const stores = await workerStores();
  const source = await editSource([hangs]);
  const worker = await stores.startWorker({ source });
  await stores.push('flk_hung', 3);
  const startedMs = performance.now();
  expect((await worker.exited).code).toBe(1);
  expect(performance.now() - startedMs).toBeLessThan(60_000);
  expect(logLines(worker).map(({ msg }) => msg)).toContain(fatal);
  expect(await stores.counted('flk_hung')).toBe(3);

  // The next one has a queue without what was left in it.
  const next = await stores.startWorker();
  const connection = openQueueRedis({ redisUrl: stores.redisUrl }, () => undefined);
  const queue = openQueue(connection, () => undefined);
  atEnd(async () => {
    await queue.close();
    connection.disconnect();
  });
  await loggedLine(next, 'schedules registered');
  await expect.poll(() => queue.getCompletedCount()).toBeGreaterThan(3);
  next.kill('SIGTERM');
  expect((await next.exited).code).toBe(0);
});
