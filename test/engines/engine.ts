import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { becomesReady } from '../../scripts/services/becomes-ready.ts';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { type ServerProcess, startServerProcess } from '../../scripts/services/server-process.ts';
import type { UnpackedProgram } from '../../scripts/services/unpack-debian.ts';
import { runUnprivileged } from '../../scripts/services/unprivileged.ts';
import { atEnd } from '../support/at-end.ts';

/** A directory for the files of engines that refuse root. */
export type EngineHome = {
  directory: string;
  /** Command prefix that steps down from root. */
  prefix: readonly string[];
  at(name: string): string;
  write(name: string, text: string): Promise<string>;
};

/** `program` must be within reach of the account that is stepped down to. */
export async function makeHome(program: UnpackedProgram, versionFlag = '--version'): Promise<EngineHome> {
  const directory = await mkdtemp(join(inject('runDirectory'), 'engine-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const environment = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  const probe = ['env', ...environment, program.path, versionFlag];
  const { prefix, account } = await runUnprivileged(directory, probe);
  const give = async (path: string) => {
    if (account !== undefined) await chown(path, account.uid, account.gid);
  };
  await give(directory);
  const at = (name: string) => join(directory, name);
  return {
    directory,
    prefix,
    at,
    write: async (name, text) => {
      await writeFile(at(name), text, { mode: 0o600 });
      await give(at(name));
      return at(name);
    },
  };
}

export type EngineStart = {
  name: string;
  command: readonly string[];
  env: Record<string, string>;
  home: EngineHome;
  isReady: () => Promise<boolean>;
  startsMs?: number;
};

const stopsMs = 10_000;

/** Starts a server of the engine and waits until it is ready. It is stopped with the test file. */
export async function startEngine(start: EngineStart): Promise<ServerProcess> {
  const { name, command, env, home, isReady, startsMs = 20_000 } = start;
  const logFile = home.at(`${name}.log`);
  const server = await startServerProcess({
    // The parent-death signal comes last, because a change of account clears it (prctl(2)).
    command: [...home.prefix, ...(await dieWithParent('TERM')), ...command],
    env: { PATH: process.env.PATH, HOME: home.directory, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    cwd: home.directory,
    logFile,
  });
  atEnd(() => server.stop('SIGTERM', stopsMs));
  if (await becomesReady(server, performance.now() + startsMs, isReady)) return server;
  const log = await readFile(logFile, 'utf8');
  throw new Error(`${name} did not start: ${log.slice(-2_000)}`);
}
