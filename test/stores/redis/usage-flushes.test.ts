import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { UsageFlush, UsageMark } from '../../../src/domain/usage.ts';
import {
  countFlushes,
  listWaitingCosts,
  pushFlush,
  readFlushes,
  removeFlushes,
} from '../../../src/stores/redis/usage-flushes.ts';
import { openStores } from '../../support/stores.ts';

const stores = await openStores();
const { redis } = stores;
afterAll(() => stores.close());
beforeEach(() => stores.flushRedis());

const mark: UsageMark = {
  lineageId: 'flk_1',
  minuteMs: 1_900_000_020_000,
  code: 'VALID',
  calls: 3,
  cost: 7,
  firstAtMs: 1_900_000_021_000,
  lastAtMs: 1_900_000_079_999,
};

function newFlush(marks: UsageMark[] = [mark]): UsageFlush {
  return { id: randomUUID(), marks };
}

test('a flush comes out as it went in', async () => {
  const flush = newFlush([mark, { ...mark, code: 'RATE_LIMITED', cost: 0 }]);
  await pushFlush(redis, flush);
  expect(await readFlushes(redis, 10)).toEqual([flush]);
});

test('a flush that is delivered twice is there once', async () => {
  const flush = newFlush();
  await pushFlush(redis, flush);
  await pushFlush(redis, flush);
  expect(await readFlushes(redis, 10)).toEqual([flush]);
});

test('no more flushes come out than were asked for, each at most once, and none leaves by being read', async () => {
  const flushes = Array.from({ length: 30 }, () => newFlush());
  for (const flush of flushes) await pushFlush(redis, flush);
  const read = await readFlushes(redis, 20);
  expect(new Set(read.map(({ id }) => id)).size).toBe(20);
  expect(await countFlushes(redis)).toBe(30);
  const all = await readFlushes(redis, 50);
  expect(all.map(({ id }) => id).sort()).toEqual(flushes.map(({ id }) => id).sort());
});

test('what is removed is gone, what came meanwhile stays, and removing again removes nothing', async () => {
  const [first, second] = [newFlush(), newFlush()];
  await pushFlush(redis, first);
  await pushFlush(redis, second);
  await removeFlushes(redis, [first.id]);
  await removeFlushes(redis, [first.id]);
  await removeFlushes(redis, []);
  expect(await readFlushes(redis, 10)).toEqual([second]);
});

test('when nothing waits there is nothing to read', async () => {
  expect(await readFlushes(redis, 10)).toEqual([]);
  expect(await countFlushes(redis)).toBe(0);
});

test('the waiting costs of some lines are those of their accepted calls, however many flushes there are', async () => {
  const other = newFlush([{ ...mark, lineageId: 'flk_other' }]);
  const flushes = [
    newFlush([mark, { ...mark, code: 'RATE_LIMITED', cost: 0 }]),
    newFlush([{ ...mark, code: 'SUPERSEDED', cost: 5 }]),
    newFlush([{ ...mark, lineageId: 'flk_2', cost: 1 }, mark]),
    ...Array.from({ length: 600 }, () => other),
  ].map((flush) => ({ ...flush, id: randomUUID() }));
  for (const flush of flushes) await pushFlush(redis, flush);
  const waiting = await listWaitingCosts(redis, new Set(['flk_1', 'flk_2']), 1_000);
  const found = waiting.map(({ flushId, lineageId, cost }) => [flushId, lineageId, cost]);
  expect(found.toSorted()).toEqual(
    [
      [flushes[0]?.id, 'flk_1', 7],
      [flushes[1]?.id, 'flk_1', 5],
      [flushes[2]?.id, 'flk_2', 1],
      [flushes[2]?.id, 'flk_1', 7],
    ].toSorted(),
  );
  expect(await listWaitingCosts(redis, new Set(['flk_other']), 100)).not.toHaveLength(600);
});
