import { expect, test } from 'vitest';
import { RecentValues } from '../../../src/usecases/verifiers/recent-values.ts';

test('a value lives for one span at least and for two at most', () => {
  const values = new RecentValues<number>({ spanMs: 10, sizeMax: 100 });
  values.set('early', 1, 0);
  values.set('late', 2, 9);
  expect(values.get('early', 10)).toBe(1);
  expect(values.get('late', 19)).toBe(2);
  expect(values.get('early', 20)).toBeUndefined();
  expect(values.get('late', 20)).toBeUndefined();
});

test('after a pause nothing of before is left', () => {
  const values = new RecentValues<number>({ spanMs: 10, sizeMax: 100 });
  values.set('early', 1, 0);
  expect(values.get('early', 1_000)).toBeUndefined();
  expect(values.get('early', 1_001)).toBeUndefined();
});

test('memory is bounded: the values of before make room', () => {
  const values = new RecentValues<number>({ spanMs: 10, sizeMax: 3 });
  for (let index = 0; index < 9; index++) values.set(String(index), index, 0);
  const left = Array.from({ length: 9 }, (_, index) => values.get(String(index), 0)).filter(
    (value) => value !== undefined,
  );
  expect(left.length).toBeLessThanOrEqual(6);
  expect(left.at(-1)).toBe(8);
});
