import { createInterface } from 'node:readline';
import { FlowplateApiError } from '../sdk/errors.ts';
import type { Cli } from './cli.ts';
import { Interrupted, Refusal, UsageError } from './failure.ts';
import { toSeconds } from './output/time.ts';
import { writeLines } from './output/write.ts';

const recentDays = 7;
const dayMs = 86_400_000;

export const yesOption = ['--yes', 'without asking; for scripts'] as const;
export type YesOption = { yes?: true | undefined };

/** Asks at the terminal, on stderr; anything but yes changes nothing. Without a terminal: 2. */
export async function confirm(statement: string, question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new UsageError(`${statement}. There is no terminal to ask at: add --yes`);
  writeLines(process.stderr, [`${statement}.`]);
  const answer = await ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Refusal('nothing was changed');
}

/**
 * Warns before a key ends that somebody still works with. Asks at a terminal; a script goes on,
 * because a leaked key must end.
 */
export async function warnOfUse(
  cli: Cli,
  what: string,
  lastUsedAt: string | null | undefined,
): Promise<void> {
  const usedAgoMs = lastUsedAt == null ? Number.POSITIVE_INFINITY : Date.now() - Date.parse(lastUsedAt);
  if (usedAgoMs > recentDays * dayMs) return;
  const statement = `${what} was last used at ${toSeconds(lastUsedAt ?? '')}, in the last ${recentDays} days`;
  if (process.stdin.isTTY) await confirm(statement, 'End it?');
  else cli.note(`Warning: ${statement}`);
}

/**
 * Facts for a question. Undefined for a credential that may end a key and not read it, and for a
 * key that is not there: the call that follows says which.
 */
export function ifReadable<Found>(found: Promise<Found>): Promise<Found | undefined> {
  return found.catch((error: unknown) => {
    if (error instanceof FlowplateApiError && [403, 404, 422].includes(error.status)) return undefined;
    throw error;
  });
}

function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve, reject) => {
    lines.once('close', () => {
      process.stderr.write('\n');
      reject(new Interrupted());
    });
    lines.question(question, (answer) => {
      lines.removeAllListeners('close').close();
      resolve(answer);
    });
  });
}
