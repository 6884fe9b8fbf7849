import { expect, test } from 'vitest';
import { sumUp } from '../../src/domain/usage-hours.ts';
import { usageMark } from '../support/usage.ts';

const atMs = (at: string) => Date.parse(at);

test('marks of one line, hour and outcome are one sum with its first and last time', () => {
  const marks = ['2030-06-15T12:59:59.999Z', '2030-06-15T12:00:00.000Z', '2030-06-15T12:30:00.000Z'].map(
    (at) => usageMark('flk_1', at, { calls: 2, cost: 5 }),
  );
  expect(sumUp(marks).sorted()).toEqual([
    {
      lineageId: 'flk_1',
      hourMs: atMs('2030-06-15T12:00:00Z'),
      code: 'VALID',
      calls: 6,
      cost: 15,
      firstAtMs: atMs('2030-06-15T12:00:00.000Z'),
      lastAtMs: atMs('2030-06-15T12:59:59.999Z'),
    },
  ]);
});

test('other lines, hours and outcomes stay apart, in the order of the lines', () => {
  const hours = sumUp([
    usageMark('flk_b', '2030-06-15T12:00:00Z'),
    usageMark('flk_a', '2030-06-15T12:00:00Z', { code: 'EXPIRED' }),
    usageMark('flk_a', '2030-06-15T12:00:00Z'),
    usageMark('flk_a', '2030-06-15T13:00:00Z'),
    usageMark('flk_a', '2030-06-15T13:59:00Z'),
  ]);
  expect(hours.size).toBe(4);
  expect(hours.sorted().map(({ lineageId, code, calls }) => [lineageId, code, calls])).toEqual([
    ['flk_a', 'EXPIRED', 1],
    ['flk_a', 'VALID', 1],
    ['flk_a', 'VALID', 2],
    ['flk_b', 'VALID', 1],
  ]);
});

test('a sum stops at the largest number that is exact', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const mark = usageMark('flk_1', '2030-06-15T12:00:00Z', { calls: most, cost: most - 1 });
  expect(sumUp([mark, mark]).sorted()).toMatchObject([{ calls: most, cost: most }]);
});

test('the sums leave the marks as they are', () => {
  const marks = [usageMark('flk_1', '2030-06-15T12:00:00Z'), usageMark('flk_1', '2030-06-15T12:00:00Z')];
  const before = structuredClone(marks);
  sumUp(marks);
  expect(marks).toEqual(before);
});
