import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { LoopLateness } from '../../src/concurrency/loop-lateness.ts';
import { block } from '../support/block.ts';

function started(): LoopLateness {
  const lateness = new LoopLateness();
  lateness.start();
  onTestFinished(() => lateness.stop());
  return lateness;
}

test('one pause is no lateness', async () => {
  const lateness = started();
  await sleep(120);
  block(1_500);
  await sleep(5);
  expect(lateness.ms).toBeLessThan(750);
});

test('a loop whose turns take long is late, and not any more soon after', async () => {
  const lateness = started();
  for (let turn = 0; turn < 4; turn++) {
    block(300);
    await sleep(0);
  }
  expect(lateness.ms).toBeGreaterThan(200);
  for (let turn = 0; turn < 5 && lateness.ms > 100; turn++) await sleep(110);
  expect(lateness.ms).toBeLessThan(100);
});
