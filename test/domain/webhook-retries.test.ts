import { expect, test } from 'vitest';
import { reasonToDisable, retryWaitMs } from '../../src/domain/webhook-retries.ts';

test('a failed event is tried again after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h and 12 h, and is dead then', () => {
  const waits = Array.from({ length: 10 }, (_, index) => retryWaitMs(index + 1, 0.5));
  const minutes = [2, 10, 30, 60, 180, 360, 720].map((count) => count * 60_000);
  expect(waits).toEqual([5_000, 30_000, ...minutes, undefined]);
});

test('waits differ by a fifth at most, so that retries spread', () => {
  expect([retryWaitMs(1, 0), retryWaitMs(1, 1)]).toEqual([4_000, 6_000]);
});

test('an endpoint is disabled at once when it is gone, and after a week of nothing but failures at an event that was tried to its end', () => {
  const at = new Date('2026-11-28T12:00:00Z');
  const ago = (days: number) => new Date(at.getTime() - days * 86_400_000);
  const failed = (code: number | null, status: 'pending' | 'dead') => ({
    answer: { status: code },
    status,
    at,
  });
  expect(reasonToDisable(failed(410, 'pending'), at)).toBe('gone');
  expect(reasonToDisable(failed(500, 'dead'), ago(6.9))).toBeUndefined();
  expect(reasonToDisable(failed(null, 'dead'), ago(7))).toBe('failing');
  expect(reasonToDisable(failed(500, 'pending'), ago(30))).toBeUndefined();
});
