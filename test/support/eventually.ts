import { setTimeout as sleep } from 'node:timers/promises';

/** A machine that does other things as well may need this many times as long. */
const busyFactor = 5;

/**
 * Polls until the result passes, and returns it; fails with the last one. `withinMs` is the limit
 * of a quiet machine. It guards against hanging and asserts no speed, so a busy one gets more.
 */
export function eventually<Result>(
  withinMs: number,
  ask: () => Promise<Result> | Result,
  passes: (answer: Result) => boolean,
): Promise<Result> {
  return within(busyFactor * withinMs, ask, passes);
}

/** The same with a limit that is promised, and that holds on a busy machine too. */
export async function within<Result>(
  limitMs: number,
  ask: () => Promise<Result> | Result,
  passes: (answer: Result) => boolean,
): Promise<Result> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    if (performance.now() > giveUpAt) {
      throw new Error(`not within ${limitMs} ms; at last ${JSON.stringify(answer)}`);
    }
    await sleep(50);
  }
}
