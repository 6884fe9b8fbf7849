import { readFile, stat } from 'node:fs/promises';
import { hasSetpriv } from './die-with-parent.ts';
import { lastLine, runCommand } from './run-command.ts';

export interface Account {
  uid: number;
  gid: number;
}

export interface RunAs {
  /** Command prefix; empty when this process is not root. */
  prefix: string[];
  /** Required owner of the files that the command writes; absent for the current account. */
  account?: Account;
}

/**
 * Runs a program that refuses root, such as Postgres, on files below `directory`. Root switches to
 * the owner of `directory`, else to `postgres`, else to `nobody`. Where a parent directory is
 * closed to that account, it keeps one capability: dac_read_search, or dac_override in containers
 * that grant only that.
 */
export async function runUnprivileged(directory: string, probe: readonly string[]): Promise<RunAs> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  if (!(await hasSetpriv())) {
    throw new Error(
      'Postgres refuses to run as root and setpriv is not here to step down with: install util-linux, or run this as an ordinary user.',
    );
  }
  const account = await chooseAccount(directory);
  const stepDown = [
    'setpriv',
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    '--no-new-privs',
  ];
  for (const passing of waysToPass) {
    const prefix = [...stepDown, ...passing];
    if (await canReach(prefix, directory, probe)) return { prefix, account };
  }
  throw new Error(await refusal(stepDown, account, directory));
}

// access(2) checks the real user and, unless the securebit no_setuid_fixup is set, ignores
// capabilities of a non-root user (capabilities(7)). Postgres finds its own executable with
// access(2).
const waysToPass: readonly (readonly string[])[] = [
  [],
  ...['dac_read_search', 'dac_override'].map((capability) => [
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    '--securebits=+no_setuid_fixup',
  ]),
];

async function chooseAccount(directory: string): Promise<Account> {
  const owner = await stat(directory);
  if (owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = await readFile('/etc/passwd', 'utf8');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] =
      accounts
        .split('\n')
        .find((line) => line.startsWith(`${name}:`))
        ?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    'Postgres refuses to run as root and there is no account named postgres or nobody: run this as an ordinary user.',
  );
}

async function canReach(prefix: string[], directory: string, probe: readonly string[]): Promise<boolean> {
  const script = 'cd -- "$1" && shift && "$@" >/dev/null';
  const result = await runCommand([...prefix, 'sh', '-c', script, 'sh', directory, ...probe], { cwd: '/' });
  return result.exitCode === 0;
}

async function refusal(stepDown: string[], account: Account, directory: string): Promise<string> {
  const bare = await runCommand([...stepDown, 'true'], { cwd: '/' });
  if (bare.exitCode !== 0) {
    return `Postgres refuses to run as root and stepping down was refused (${lastLine(bare.stderr)}): run this as an ordinary user, or grant the capabilities setuid and setgid.`;
  }
  return `Postgres refuses to run as root, and user ${account.uid} may not enter ${directory} or run the Postgres packages: open the directories above to others (chmod o+x), grant the capabilities dac_read_search and setpcap, or run this as an ordinary user.`;
}
