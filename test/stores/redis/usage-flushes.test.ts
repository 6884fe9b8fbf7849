import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { UsageFlush, UsageMark } from '../../../src/domain/usage.ts';
import {
  countFlushes,
  listFlushIds,
  listWaitingCosts,
  openFlush,
  packFlush,
  parseMarks,
  pushFlush,
  readFlushTexts,
  removeFlushes,
  UnreadableFlush,
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

async function readFlushes(countMax: number): Promise<UsageFlush[]> {
  const ids = await listFlushIds(redis, countMax);
  const texts = ids.length === 0 ? [] : await readFlushTexts(redis, ids);
  return ids.map((id, index) => ({ id, marks: openFlush(stores.flushStamps, id, texts[index] ?? '') }));
}

test('a flush comes out as it went in', async () => {
  const flush = newFlush([mark, { ...mark, code: 'RATE_LIMITED', cost: 0 }]);
  await pushFlush(stores, flush);
  expect(await readFlushes(10)).toEqual([flush]);
});

test('a flush that is delivered twice is there once', async () => {
  const flush = newFlush();
  await pushFlush(stores, flush);
  await pushFlush(stores, flush);
  expect(await readFlushes(10)).toEqual([flush]);
});

test('no more flushes come out than were asked for, each at most once, and none leaves by being read', async () => {
  const flushes = Array.from({ length: 30 }, () => newFlush());
  for (const flush of flushes) await pushFlush(stores, flush);
  const read = await readFlushes(20);
  expect(new Set(read.map(({ id }) => id)).size).toBe(20);
  expect(await countFlushes(redis)).toBe(30);
  const all = await readFlushes(50);
  expect(all.map(({ id }) => id).sort()).toEqual(flushes.map(({ id }) => id).sort());
});

test('what is removed is gone, what came meanwhile stays, and removing again removes nothing', async () => {
  const [first, second] = [newFlush(), newFlush()];
  await pushFlush(stores, first);
  await pushFlush(stores, second);
  await removeFlushes(redis, [first.id]);
  await removeFlushes(redis, [first.id]);
  await removeFlushes(redis, []);
  expect(await readFlushes(10)).toEqual([second]);
});

test('when nothing waits there is nothing to read', async () => {
  expect(await readFlushes(10)).toEqual([]);
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
  for (const flush of flushes) await pushFlush(stores, flush);
  const waiting = await listWaitingCosts(stores, new Set(['flk_1', 'flk_2']), 1_000);
  const found = waiting.map(({ flushId, lineageId, cost }) => [flushId, lineageId, cost]);
  expect(found.toSorted()).toEqual(
    [
      [flushes[0]?.id, 'flk_1', 7],
      [flushes[1]?.id, 'flk_1', 5],
      [flushes[2]?.id, 'flk_2', 1],
      [flushes[2]?.id, 'flk_1', 7],
    ].toSorted(),
  );
  expect(await listWaitingCosts(stores, new Set(['flk_other']), 100)).not.toHaveLength(600);
});

test('an unreadable flush hides no waiting cost of the others', async () => {
  const flush = newFlush();
  await pushFlush(stores, flush);
  await redis.hset('fl:usage:flushes', randomUUID(), '{', 'no id', '[]');
  const waiting = await listWaitingCosts(stores, new Set(['flk_1']), 1_000);
  expect(waiting.map(({ flushId, cost }) => [flushId, cost])).toEqual([[flush.id, 7]]);
});

test('what is gone when it is to be read is undefined, and the others keep their places', async () => {
  const flush = newFlush();
  await pushFlush(stores, flush);
  const texts = await readFlushTexts(redis, [randomUUID(), flush.id]);
  expect(texts[0]).toBeUndefined();
  expect(openFlush(stores.flushStamps, flush.id, texts[1] ?? '')).toEqual([mark]);
});

describe('the text of a flush', () => {
  const id = randomUUID();
  const packed = ['flk_1', 1_900_000_020_000, 'VALID', 3, 7, 1_900_000_021_000, 1_900_000_079_999];
  const changed = (place: number, value: unknown) => JSON.stringify([packed.with(place, value as never)]);

  test('is the one that releases before this one write and read', async () => {
    const flush = newFlush();
    await pushFlush(stores, flush);
    const waiting = await redis.hgetall('fl:usage:flushes');
    expect(waiting).toEqual({ [flush.id]: packFlush(stores.flushStamps, flush) });
    expect(waiting[flush.id]?.slice(22)).toBe(JSON.stringify([packed]));
    expect(parseMarks(JSON.stringify([packed]))).toEqual([mark]);
  });

  test('of a later release may have codes and members that are not known here', () => {
    const later = JSON.stringify([[...packed.with(2, 'QUARANTINED'), 'more']]);
    expect(parseMarks(later)).toEqual([{ ...mark, code: 'QUARANTINED' }]);
  });

  test.each([
    ['no JSON', '[['],
    ['no list', '{"marks": []}'],
    ['a mark that is none', '[null]'],
    ['a line that is no text', changed(0, 7)],
    ['a line that Postgres cannot store', changed(0, 'flk_\0')],
    ['a line as long as a page', changed(0, 'x'.repeat(9_000))],
    ['a time that is none', changed(1, 'now')],
    ['a time that nobody can spell', changed(1, 8e15)],
    ['a part of a call', changed(3, 1.5)],
    ['fewer calls than none', changed(3, -1)],
    ['more calls than a number holds', changed(3, 2 ** 53)],
    ['no cost', changed(4, null)],
    ['no last call', JSON.stringify([packed.slice(0, 6)])],
  ])('with %s is unreadable', (_name, text) => {
    expect(() => parseMarks(text)).toThrow(UnreadableFlush);
  });

  test('under an id that is none is unreadable', () => {
    for (const none of ['', 'x', id.toUpperCase(), `${id}0`]) {
      const stamped = stores.flushStamps.stamp(none, JSON.stringify([packed]));
      expect(() => openFlush(stores.flushStamps, none, stamped)).toThrow(UnreadableFlush);
    }
  });
});
