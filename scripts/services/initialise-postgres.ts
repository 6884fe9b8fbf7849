import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { newPassword } from './password-file.ts';
import { lastLine, runCommand } from './run-command.ts';
import { type Account, runUnprivileged } from './unprivileged.ts';

export interface InitialiseOptions {
  initdb: string;
  dataDir: string;
  passwordFile: string;
  /** False skips the sync to disk at the end; only for disposable data. */
  durable: boolean;
}

/**
 * Creates a database cluster in `dataDir`, and its superuser's random password in `passwordFile`
 * (0600). Atomic: an interrupted start leaves no partial cluster.
 */
export async function initialisePostgres(options: InitialiseOptions): Promise<void> {
  const { dataDir, passwordFile } = options;
  const newDir = `${dataDir}.new-${process.pid}`;
  await rm(newDir, { recursive: true, force: true });
  await mkdir(newDir, { recursive: true, mode: 0o700 });
  try {
    const { prefix, account } = await runUnprivileged(newDir, [options.initdb, '--version']);
    await writeFile(passwordFile, newPassword(), { mode: 0o600 });
    if (account !== undefined) await giveTo(account, [newDir, passwordFile]);
    const result = await runCommand([...prefix, options.initdb, ...initdbArguments(newDir, options)], {
      cwd: newDir,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    });
    if (result.exitCode !== 0) throw new Error(`initdb failed: ${lastLine(result.stderr)}`);
    await rename(newDir, dataDir);
  } catch (err) {
    await rm(newDir, { recursive: true, force: true });
    throw err;
  }
}

export async function readPassword(passwordFile: string, dataDir: string): Promise<string> {
  try {
    return await readFile(passwordFile, 'utf8');
  } catch (cause) {
    throw new Error(`The password of the data in ${dataDir} is gone: ${passwordFile} cannot be read.`, {
      cause,
    });
  }
}

// The builtin provider sorts the same on every machine. A libc or ICU locale changes with the
// system's libraries, and silently corrupts text indexes (PostgreSQL 18 manual, 23.1.4).
function initdbArguments(directory: string, options: InitialiseOptions): string[] {
  return [
    `--pgdata=${directory}`,
    '--username=postgres',
    `--pwfile=${options.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(options.durable ? [] : ['--no-sync']),
  ];
}

async function giveTo(account: Account, paths: readonly string[]): Promise<void> {
  for (const path of paths) await chown(path, account.uid, account.gid);
}
