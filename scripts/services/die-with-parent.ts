import { runCommand } from './run-command.ts';

let setprivFound: Promise<boolean> | undefined;

export function hasSetpriv(): Promise<boolean> {
  setprivFound ??= runCommand(['setpriv', '--version']).then((result) => result.exitCode === 0);
  return setprivFound;
}

/**
 * Command prefix that makes Linux send `signal` to the command when this process ends, even by
 * `kill -9` (prctl(2), PR_SET_PDEATHSIG). Empty on other systems, where an orphan must be stopped
 * by hand.
 */
export async function dieWithParent(signal: 'TERM' | 'INT'): Promise<string[]> {
  if (process.platform !== 'linux' || !(await hasSetpriv())) return [];
  return ['setpriv', '--pdeathsig', signal];
}
