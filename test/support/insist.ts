import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './call.ts';
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
