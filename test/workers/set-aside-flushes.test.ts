import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { endAll } from '../support/at-end.ts';
import { eventually } from '../support/eventually.ts';
import { loggedLine, logLines, runScript } from '../support/processes.ts';
import { query } from '../support/query.ts';
import { workerStores } from '../support/worker-stores.ts';

const stores = await workerStores();
afterAll(endAll);

const run = (...args: string[]) => runScript('scripts/usage-flushes.ts', { env: stores.env, args });
const nothingWaits = () => eventually(15_000, stores.waiting, (waiting) => waiting === 0);

test('a worker sets a flush aside, tells of it once, counts the others, and an operator puts it back', async () => {
  const [bad, worse] = [randomUUID(), randomUUID()];
  const check = `ALTER TABLE usage_totals ADD CONSTRAINT no_poison CHECK (lineage_id <> 'flk_poison')`;
  await query(stores.databaseUrl, check);
  const nowMs = Date.now();
  const minuteMs = nowMs - (nowMs % 60_000);
  const marks = JSON.stringify([['flk_poison', minuteMs, 'VALID', 4, 4, nowMs, nowMs]]);
  const payload = stores.flushStamps.stamp(bad, marks);
  await stores.redis.hset('fl:usage:flushes', bad, payload, worse, '{');
  await stores.push('flk_good', 20);

  const worker = await stores.startWorker();
  await nothingWaits();
  expect(await stores.counted('flk_good')).toBe(20);
  const told = logLines(worker).filter(({ msg }) => msg === 'usage flush set aside');
  expect(told.map(({ level, flush_id }) => [level, flush_id]).sort()).toEqual(
    [bad, worse].map((id) => ['error', id]).sort(),
  );
  expect(logLines(worker).filter(({ msg }) => msg === 'job failed')).toEqual([]);
  const { metrics_port } = await loggedLine(worker, 'working');
  const metrics = await (await fetch(`http://127.0.0.1:${metrics_port}/metrics`)).text();
  expect(metrics).toContain('flowplate_usage_flushes_set_aside_total 2');
  expect(metrics).toContain('flowplate_usage_flushes_aside 2');

  const { stdout, code } = await run('list');
  expect(code).toBe(0);
  const line = stdout.split('\n').find((text) => text.includes(bad)) ?? '';
  expect(line).toContain('no_poison');
  const number = line.split(' ')[0] ?? '';
  expect((await run('show', number)).stdout.trim()).toBe(payload);

  await query(stores.databaseUrl, 'ALTER TABLE usage_totals DROP CONSTRAINT no_poison');
  expect((await run('retry', number)).code).toBe(0);
  await nothingWaits();
  expect(await stores.counted('flk_poison')).toBe(4);

  // A still unreadable flush is set aside again.
  expect((await run('retry', '--all')).stdout).toContain(worse);
  await nothingWaits();
  expect((await run('list')).stdout).toContain(worse);
  worker.kill('SIGTERM');
  expect((await worker.exited).code).toBe(0);
}, 60_000);

test('wrong use of the script is exit 2 and changes nothing', async () => {
  const wrongs = [
    [],
    ['drop'],
    ['list', '1'],
    ['show'],
    ['show', 'x'],
    ['retry'],
    ['retry', '1', '--all'],
    ['retry', '0'],
  ];
  for (const wrong of wrongs) expect([wrong, (await run(...wrong)).code]).toEqual([wrong, 2]);
  expect((await run('list')).stdout.trim().split('\n')).toHaveLength(1);
  const unknown = await run('show', '4711');
  expect([unknown.stdout, unknown.stderr]).toEqual(['', expect.stringContaining('4711')]);
});
