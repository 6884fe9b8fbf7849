import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { countFlushes, pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { rollUpWhenDue } from '../../../src/usecases/usage/roll-up-when-due.ts';
import { openStores } from '../../support/stores.ts';
import { acceptedCalls, usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db, redis } = stores;
const parts = { db, redis, flushStamps: stores.flushStamps, onSetAside: () => expect.unreachable() };
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const push = (line: string) => pushFlush(stores, usageFlush(usageMark(line, '2030-06-15T12:00:00Z')));
const pauseLeftMs = () => redis.pttl('fl:usage:pause');

/** A roll-up that takes so long. */
const slow = (forMs: number) => ({
  ...parts,
  db: stores.observed(async (text, run) => {
    if (/INSERT INTO usage_hours/.test(text)) await sleep(forMs);
    return run();
  }),
});

test('the rest after a run is nine times what the run took, for all workers', async () => {
  await push('flk_rest');
  expect(await rollUpWhenDue(slow(200))).toBe(1);
  expect(await pauseLeftMs()).toBeGreaterThan(1_500);
  await push('flk_rest');
  expect(await rollUpWhenDue(parts)).toBe(0);
  expect(await countFlushes(redis)).toBe(1);
  await eventuallyDue();
  expect(await rollUpWhenDue(parts)).toBe(1);
  expect(await acceptedCalls(db, 'flk_rest')).toBe(2);
});

test('it is never longer than two seconds, so that counts are readable within ten', async () => {
  await push('flk_long');
  await rollUpWhenDue(slow(600));
  const leftMs = await pauseLeftMs();
  expect(leftMs).toBeGreaterThan(1_500);
  expect(leftMs).toBeLessThanOrEqual(2_000);
});

test('a run that finds nothing causes no pause', async () => {
  expect(await rollUpWhenDue(parts)).toBe(0);
  await push('flk_next');
  expect(await rollUpWhenDue(parts)).toBe(1);
});

async function eventuallyDue(): Promise<void> {
  while ((await redis.exists('fl:usage:pause')) === 1) await sleep(50);
}
