import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './call.ts';

/**
 * Result of a call as its caller knows it. `unreached`: not sent, so nothing was done. `unknown`:
 * sent without an answer, or with a temporary error; it may have been done.
 */
export type Outcome<Given = Answer> = Given | 'unreached' | 'unknown';

const answerMsMax = 10_000;

export async function attempt<Given extends { status: number }>(
  call: () => Promise<Given>,
): Promise<Outcome<Given>> {
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
