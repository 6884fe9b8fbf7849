import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Call } from './call.ts';
import { expectBusy } from './errors.ts';

/**
 * The answer to a client that comes back when it is told to, as a busy database tells it. Only the
 * documented 503 is asked again.
 */
export async function insist(act: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await act();
    if (answer.status !== 503) return answer;
    expectBusy(answer);
    await sleep(200);
  }
}

/**
 * Calls that insist, for preparing a test: a machine that stands still for a second is not what it
 * tests. A repeated mint has an idempotency key, as a backend's has.
 */
export function insisting(call: Call): Call {
  return (operation, options = {}) => {
    const repeatable = operation === 'POST /v1/flowplate/api-keys' && { 'idempotency-key': randomUUID() };
    const headers = { ...repeatable, ...options.headers };
    return insist(() => call(operation, { ...options, headers }));
  };
}
