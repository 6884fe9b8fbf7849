import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until the result passes, and returns it; fails with the last one. */
export async function eventually<Result>(
  withinMs: number,
  ask: () => Promise<Result> | Result,
  passes: (answer: Result) => boolean,
): Promise<Result> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (passes(answer)) return answer;
    if (performance.now() > giveUpAt) {
      throw new Error(`not within ${withinMs} ms; at last ${JSON.stringify(answer)}`);
    }
    await sleep(50);
  }
}
