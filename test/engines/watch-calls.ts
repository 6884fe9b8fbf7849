import { setTimeout as sleep } from 'node:timers/promises';
import { attempt } from '../support/attempt.ts';
import type { Answer } from '../support/call.ts';

/** One kind of call, made again and again. */
export type Watched = {
  call: () => Promise<Answer>;
  /** What it must say, unless it is refused with 503. */
  isRight: (answer: Answer) => boolean;
};

export type Seen = {
  calls: number;
  refused: number;
  /** From the last right answer before a refusal to the next one after it, all added up. */
  refusedSeconds: number;
  wrong: string[];
};

const pauseMs = 40;

/** Watches for how long a kind of call is refused, and whether it is ever answered wrongly. */
export function watchCalls({ call, isRight }: Watched): { stop(): Promise<Seen> } {
  const seen: Seen = { calls: 0, refused: 0, refusedSeconds: 0, wrong: [] };
  let isStopped = false;
  let rightAtMs = performance.now();
  let isRefused = false;

  const callOnce = async () => {
    const outcome = await attempt(call);
    seen.calls += 1;
    if (typeof outcome === 'string') {
      seen.refused += 1;
      isRefused = true;
    } else if (isRight(outcome)) {
      const nowMs = performance.now();
      if (isRefused) seen.refusedSeconds += (nowMs - rightAtMs) / 1_000;
      rightAtMs = nowMs;
      isRefused = false;
    } else seen.wrong.push(`${outcome.status} ${JSON.stringify(outcome.body).slice(0, 200)}`);
  };
  const watching = (async () => {
    while (!isStopped) {
      await callOnce();
      await sleep(pauseMs);
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await watching;
      return seen;
    },
  };
}
