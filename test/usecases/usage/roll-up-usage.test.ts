import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { UsageFlush } from '../../../src/domain/usage.ts';
import { applyFlushes } from '../../../src/stores/postgres/usage.ts';
import { countFlushes, pushFlush } from '../../../src/stores/redis/usage-flushes.ts';
import { rollUpUsage } from '../../../src/usecases/usage/roll-up-usage.ts';
import { openStores } from '../../support/stores.ts';
import { acceptedCalls, usageFlush, usageMark } from '../../support/usage.ts';

const stores = await openStores();
const { db, redis } = stores;
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

let lines = 0;
const newLine = () => `flk_line_${++lines}`;
const at = '2030-06-15T12:00:00Z';

/** Flushes of one call each, waiting in Redis. */
async function waiting(lineageId: string, count: number): Promise<UsageFlush[]> {
  const flushes = Array.from({ length: count }, () => usageFlush(usageMark(lineageId, at)));
  for (const flush of flushes) await pushFlush(redis, flush);
  return flushes;
}

describe('each call is counted exactly once', () => {
  test('when nothing goes wrong, and nothing waits afterwards', async () => {
    const line = newLine();
    await waiting(line, 120);
    expect(await rollUpUsage(stores)).toBe(120);
    expect(await acceptedCalls(db, line)).toBe(120);
    expect(await countFlushes(redis)).toBe(0);
    expect(await rollUpUsage(stores)).toBe(0);
  });

  test('when the roll-up is killed between its commit and the removal', async () => {
    const line = newLine();
    const flushes = await waiting(line, 10);
    await applyFlushes(db, flushes);
    expect(await rollUpUsage(stores)).toBe(0);
    expect(await acceptedCalls(db, line)).toBe(10);
    expect(await countFlushes(redis)).toBe(0);
  });

  test('when the roll-up is killed before its commit', async () => {
    const line = newLine();
    await waiting(line, 10);
    const killed = stores.observed((text, run) =>
      /^commit/i.test(text) ? Promise.reject(new Error('killed')) : run(),
    );
    await expect(rollUpUsage({ db: killed, redis })).rejects.toThrow('killed');
    expect(await acceptedCalls(db, line)).toBe(0);
    expect(await rollUpUsage(stores)).toBe(10);
    expect(await acceptedCalls(db, line)).toBe(10);
  });

  test('when eight roll-ups run at once over the same flushes', async () => {
    const line = newLine();
    await waiting(line, 300);
    const counted = await Promise.all(Array.from({ length: 8 }, () => rollUpUsage(stores)));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(await acceptedCalls(db, line)).toBe(300);
  });

  test('when flushes keep coming while it works', async () => {
    const line = newLine();
    const coming = waiting(line, 200);
    let isDone = false;
    void coming.finally(() => {
      isDone = true;
    });
    while (!isDone) await rollUpUsage(stores);
    await rollUpUsage(stores);
    expect(await acceptedCalls(db, line)).toBe(200);
  });

  test('when a flush is delivered again after it was rolled up', async () => {
    const line = newLine();
    const [flush] = await waiting(line, 1);
    await rollUpUsage(stores);
    await pushFlush(redis, flush as UsageFlush);
    expect(await rollUpUsage(stores)).toBe(0);
    expect(await acceptedCalls(db, line)).toBe(1);
  });

  test('when a flush went into Redis, its answer was lost, and it was then brought straight to Postgres', async () => {
    const line = newLine();
    const [flush] = await waiting(line, 1);
    const [direct, rolledUp] = await Promise.all([
      applyFlushes(db, [flush as UsageFlush]),
      rollUpUsage(stores),
    ]);
    expect(direct + rolledUp).toBe(1);
    expect(await acceptedCalls(db, line)).toBe(1);
  });
});

describe('control: the two ways that suggest themselves are wrong, when they are killed half-way', () => {
  const counter = 'naive:counter';
  const add = (line: string, calls: number) =>
    applyFlushes(db, [usageFlush(usageMark(line, at, { calls, cost: calls }))]);

  /** Takes the count out of Redis and then adds it. */
  async function getdelThenAdd(line: string, isKilled: boolean): Promise<void> {
    const calls = Number(await redis.getdel(counter));
    if (isKilled || calls === 0) return;
    await add(line, calls);
  }

  /** Sets the count aside, adds it and then deletes it; what was set aside by a dead one is taken up again. */
  async function renameAddDelete(line: string, isKilled: boolean): Promise<void> {
    await redis.renamenx(counter, `${counter}:aside`).catch(() => undefined);
    const calls = Number(await redis.get(`${counter}:aside`));
    if (calls > 0) await add(line, calls);
    if (!isKilled) await redis.del(`${counter}:aside`);
  }

  test('GETDEL and then adding loses what it had in its hands', async () => {
    const line = newLine();
    await redis.incrby(counter, 10);
    await getdelThenAdd(line, true);
    await getdelThenAdd(line, false);
    expect(await acceptedCalls(db, line)).toBe(0);
  });

  test('RENAME, adding and then deleting counts twice', async () => {
    const line = newLine();
    await redis.incrby(counter, 10);
    await renameAddDelete(line, true);
    await renameAddDelete(line, false);
    expect(await acceptedCalls(db, line)).toBe(20);
  });
});
