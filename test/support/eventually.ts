import { setTimeout as sleep } from 'node:timers/promises';

/** A machine that does other things as well may need this many times as long. */
const busyFactor = 5;

/**
 * Polls until the result passes, and returns it; fails with the last one. `withinMs` is the limit of
 * a quiet machine. It guards against hanging and asserts no speed, so a busy machine gets more.
 */
export async function eventually<Result>(
  withinMs: number,
  ask: () => Promise<Result> | Result,
  passes: (answer: Result) => boolean,
): Promise<Result> {
  const giveUpAt = performance.now() + busyFactor * withinMs;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    if (performance.now() > giveUpAt) {
      throw new Error(`not within ${busyFactor * withinMs} ms; at last ${JSON.stringify(answer)}`);
    }
    await sleep(50);
  }
}
