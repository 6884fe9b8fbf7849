import { expect, test } from 'vitest';
import { LimitedLines } from '../../src/verify/limited-lines.ts';
import { shareOf } from '../../src/verify/local-share.ts';

const rateLimit = { limit: 10, window_seconds: 60 };

function owe(lines: LimitedLines, lineageId: string, monotonicMs: number): void {
  const line = lines.get(lineageId, monotonicMs);
  if (line === undefined) throw new Error(`no room for ${lineageId}`);
  line.openWindow(rateLimit, monotonicMs).local = 1;
}

test('the oldest line makes room, but for those that hold calls Redis has not counted', () => {
  const lines = new LimitedLines(3);
  owe(lines, 'flk_1', 0);
  const second = lines.get('flk_2', 0);
  owe(lines, 'flk_3', 0);
  expect(lines.get('flk_2', 0)).toBe(second);
  owe(lines, 'flk_4', 0);
  expect(lines.size).toBe(3);
  expect(lines.get('flk_5', 59_999)).toBeUndefined();
  expect(lines.get('flk_1', 59_999)?.isOwing(59_999)).toBe(true);
  expect(lines.get('flk_5', 60_000)).toBeDefined();
});

test.each([
  [10, 3, 3],
  [2, 3, 1],
  [1, 64, 1],
  [0, 3, 0],
  [-5, 1, 0],
  [7, 1, 7],
])('of %i that are left one of %i processes lets %i through', (left, processes, share) => {
  expect(shareOf(left, processes)).toBe(share);
});
