import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ServerClock } from '../../src/revocation/server-clock.ts';

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

describe('a step', () => {
  /** Observed as by a heartbeat that took so long. */
  function observed(clock: ServerClock, serverMs: number, tookMs = 0): boolean {
    const receivedMs = performance.now();
    return clock.observe(serverMs, receivedMs - tookMs, receivedMs);
  }

  test('is a difference of more than a second, either way; the first look is none', () => {
    const clock = new ServerClock();
    expect(observed(clock, 1_000_000)).toBe(false);
    expect(observed(clock, 1_000_800)).toBe(false);
    expect(observed(clock, 1_000_000)).toBe(false);
    expect(observed(clock, 1_002_500)).toBe(true);
    expect(observed(clock, 1_002_500)).toBe(false);
    expect(observed(clock, 402_500)).toBe(true);
  });

  test('is not what a slow answer looks like', () => {
    const clock = new ServerClock();
    observed(clock, 1_000_000);
    // Read at the very beginning of five seconds, or at their very end.
    expect(observed(clock, 995_100, 5_000)).toBe(false);
    const other = new ServerClock();
    observed(other, 1_000_000);
    expect(observed(other, 1_000_000, 5_000)).toBe(false);
  });

  test('leaves no age to what was timed before it, not even when the clock shows such a time again', () => {
    const clock = new ServerClock();
    observed(clock, 1_000_000);
    expect(clock.ageMs(940_000)).toBeGreaterThanOrEqual(60_000);
    expect(clock.ageMs(940_000)).toBeLessThan(70_000);
    observed(clock, 400_000);
    for (const serverMs of [300_000, 399_000, 700_000, 999_999]) {
      expect(clock.ageMs(serverMs)).toBe(Infinity);
    }
    observed(clock, 1_200_000);
    expect(clock.ageMs(1_100_000)).toBe(Infinity);
    observed(clock, 1_200_900);
    expect(clock.ageMs(1_200_600)).toBeLessThan(10_000);
  });

  test('a time that lies in the future has no age, but for what two clocks may differ by', () => {
    const clock = new ServerClock();
    observed(clock, 1_000_000);
    expect(clock.ageMs(1_000_900)).toBe(0);
    expect(clock.ageMs(1_030_000)).toBe(Infinity);
  });
});
