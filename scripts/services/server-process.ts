import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { exitOf } from './exit-of.ts';
import { type Stoppable, stopProcess } from './stop-process.ts';

export interface ServerProcess extends Stoppable {
  pid: number;
  stop(signal: NodeJS.Signals, deadlineMs: number): Promise<void>;
}

export interface ServerProcessOptions {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
}

/** Starts a server whose output goes to `logFile`. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const [program = '', ...args] = options.command;
  const log = openSync(options.logFile, 'a', 0o600);
  // Detached, in a session of its own: Ctrl-C reaches the whole foreground group, and the stores
  // must outlive the processes that use them.
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exited = exitOf(child);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${program} could not be started: ${(await exited).reason}`);

  const server: Stoppable = { exited, kill: (signal) => void child.kill(signal) };
  return { ...server, pid, stop: (signal, deadlineMs) => stopProcess(server, signal, deadlineMs) };
}
