import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './call.ts';

/**
 * What a caller knows afterwards. `unreached`: nobody took the request, so nothing was done.
 * `unknown`: it was taken and no answer came, or one that says "not now"; it may have been done or
 * not.
 */
export type Outcome = Answer | 'unreached' | 'unknown';

const answerMsMax = 10_000;

export async function attempt(call: () => Promise<Answer>): Promise<Outcome> {
  const late = new AbortController();
  try {
    const answer = await Promise.race([call(), sleep(answerMsMax, undefined, { signal: late.signal })]);
    return answer === undefined || answer.status === 503 ? 'unknown' : answer;
  } catch (fault) {
    return isRefusedConnection(fault) ? 'unreached' : 'unknown';
  } finally {
    late.abort();
  }
}

function isRefusedConnection(fault: unknown): boolean {
  const cause = fault instanceof Error ? fault.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
