import { FlowplateError } from '../../domain/errors.ts';
import { digestsOf, type Keyring } from '../../domain/key-digest.ts';
import { parseSecret } from '../../domain/key-format.ts';
import type { LeakAction, ReportedToken } from '../../domain/leak-report.ts';
import { type Caller, originOf, type Principal, queueOf } from '../../domain/principal.ts';
import { findLeakedKey, isReportKnown, rememberReport } from '../../stores/postgres/leaks/leak-reports.ts';
import type { ChangeParts } from '../change.ts';
import { answerLeak, type LeakAnswer } from './answer-leak.ts';

/** A scanner whose signature is right, and that signature. */
export type Reporter = Principal & { signature: Buffer };

export type LeakParts = ChangeParts & { keyring: Keyring; leakAction: LeakAction };

/** `areOurs`: for each token whether it is a key of ours, in any state. */
export type ReceivedReport = { areOurs: boolean[]; isComplete: boolean };

/**
 * Ends what a scanner has found, and says which tokens are keys of ours. `isComplete`: no verifier
 * accepts one of the ended keys in a request that starts afterwards. A report counts once:
 * `REPORT_ALREADY_RECEIVED`. It is remembered at its end, so one that broke off can be sent again;
 * what it had done is then left as it is.
 */
export async function receiveReport(
  parts: LeakParts,
  caller: Caller<Reporter>,
  tokens: readonly ReportedToken[],
): Promise<ReceivedReport> {
  const { principal } = caller;
  const inTurn = <T>(task: () => Promise<T>) => parts.connections.run(queueOf(principal), task);
  if (await inTurn(() => isReportKnown(parts.db, principal.signature))) {
    throw new FlowplateError('REPORT_ALREADY_RECEIVED');
  }
  const answers: LeakAnswer[] = [];
  const areOurs: boolean[] = [];
  const origin = originOf(caller);
  for (const reported of tokens) {
    const isSecret = parseSecret(reported.token) !== undefined;
    const [first, ...older] = digestsOf(parts.keyring, isSecret ? reported.token : '');
    const leaked =
      isSecret && first !== undefined
        ? await inTurn(() => findLeakedKey(parts.db, [first, ...older]))
        : undefined;
    areOurs.push(leaked !== undefined);
    if (leaked === undefined) continue;
    const leak = { ...reported, reporter: principal.name, signature: principal.signature, origin };
    answers.push(await answerLeak(parts, leak, leaked));
  }
  const isComplete = await areComplete(parts, answers);
  await inTurn(() => rememberReport(parts.db, principal.signature));
  return { areOurs, isComplete };
}

/** One wait for all of them: the last position in the feed covers the others. */
async function areComplete(parts: LeakParts, answers: readonly LeakAnswer[]): Promise<boolean> {
  const seqs = answers.flatMap(({ told }) => (told === undefined ? [] : [told.seq]));
  const [only] = answers;
  const told =
    answers.length === 1
      ? only?.told
      : seqs.length === 0
        ? undefined
        : { seq: Math.max(...seqs), audience: 'everybody' as const };
  return (await parts.propagation.wait(told)).isComplete;
}
