import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ServerClock } from '../../../src/stores/postgres/server-clock.ts';

test('after a small step back it goes on, slower, until it is right', async () => {
  const clock = new ServerClock();
  const right = new ServerClock();
  const sentMs = performance.now();
  clock.observe(10_000, sentMs, sentMs);
  clock.observe(9_900, sentMs, sentMs);
  right.observe(9_900, sentMs, sentMs);
  const startMs = clock.nowMs();
  expect(startMs).toBeGreaterThanOrEqual(10_000);
  await sleep(20);
  expect(clock.nowMs()).toBeGreaterThan(startMs + 5);
  await sleep(300);
  const [earliestMs, nowMs, latestMs] = [right.nowMs(), clock.nowMs(), right.nowMs()];
  expect(nowMs).toBeGreaterThanOrEqual(earliestMs);
  expect(nowMs).toBeLessThanOrEqual(latestMs);
});

test('a large step back is believed at once, and each step forward', () => {
  const clock = new ServerClock();
  for (const serverMs of [1_000_000, 500_000, 2_000_000]) {
    const sentMs = performance.now();
    clock.observe(serverMs, sentMs, sentMs);
    expect(clock.nowMs() - serverMs).toBeLessThan(100_000);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(serverMs);
  }
});
