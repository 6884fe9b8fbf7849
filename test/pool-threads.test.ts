import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, test } from 'vitest';
import { lowerPoolThreads } from '../src/process/pool-threads.ts';

const isLinux = process.platform === 'linux';

/** Only Linux keeps a niceness for each thread. */
test.runIf(isLinux)('the threads that hash passwords give way, the event loop does not', async () => {
  await lowerPoolThreads();
  const threads = readdirSync('/proc/self/task').map((id) => ({
    name: readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
    niceness: getPriority(Number(id)),
  }));
  const workers = threads.filter(({ name }) => name === 'libuv-worker');
  expect(workers.length).toBeGreaterThan(0);
  expect(workers.map(({ niceness }) => niceness)).toEqual(workers.map(() => 10));
  expect(getPriority()).toBe(0);
});
