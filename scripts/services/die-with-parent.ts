import { runCommand } from './run-command.ts';

let setprivFound: Promise<boolean> | undefined;

export function hasSetpriv(): Promise<boolean> {
  setprivFound ??= runCommand(['setpriv', '--version']).then((result) => result.exitCode === 0);
  return setprivFound;
}

/**
 * Words to put before a command so that Linux sends it `signal` when this process ends, even by
 * `kill -9` (prctl(2), PR_SET_PDEATHSIG). Empty where there is no such thing: there an orphan has
 * to be stopped by hand.
 */
export async function dieWithParent(signal: 'TERM' | 'INT'): Promise<string[]> {
  if (process.platform !== 'linux' || !(await hasSetpriv())) return [];
  return ['setpriv', '--pdeathsig', signal];
}
