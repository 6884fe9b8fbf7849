import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../support/call.ts';

/** A key, and the verdict it must have in every answer. */
export type Expected = { key: string; code: string };

export type VerifyingLoad = {
  /** Takes one more key into the round. */
  add(expected: Expected): void;
  callsSoFar(): number;
  /** Ends the load and hands back what it saw. */
  stop(): Promise<{ calls: number; wrong: string[]; slowestMs: number }>;
};

const atOnce = 4;
const pauseMs = 4;

/** Verifies the same keys again and again, and notes every answer that is not the one expected. */
export function startVerifyingLoad(call: Call, round: readonly Expected[]): VerifyingLoad {
  const expected = [...round];
  const seen = { calls: 0, wrong: [] as string[], slowestMs: 0 };
  let isStopped = false;
  let next = 0;

  const verifyNext = async () => {
    const { key, code } = expected[next++ % expected.length] as Expected;
    const startedMs = performance.now();
    const answer = await call('POST /v1/flowplate/api-keys/verify', { body: { key } }).catch(String);
    seen.calls += 1;
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedMs);
    const got =
      typeof answer === 'string'
        ? answer
        : (answer.body.code ?? `${answer.status} ${answer.body.error?.code}`);
    if (got !== code) seen.wrong.push(`${got} instead of ${code}`);
  };
  const worker = async () => {
    while (!isStopped) {
      await verifyNext();
      await sleep(pauseMs);
    }
  };
  const workers = Promise.all(Array.from({ length: atOnce }, worker));
  return {
    add: (one) => void expected.push(one),
    callsSoFar: () => seen.calls,
    stop: async () => {
      isStopped = true;
      await workers;
      return seen;
    },
  };
}
