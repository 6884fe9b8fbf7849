import { spawn } from 'node:child_process';
import { dieWithParent } from './die-with-parent.ts';
import { type Exit, exitOf } from './exit-of.ts';
import { prefixLines } from './prefix-lines.ts';
import { progress } from './progress.ts';
import { type Stoppable, stopProcess } from './stop-process.ts';

export interface ChildOptions {
  /** For messages, and as a prefix of each output line unless passed through. */
  name: string;
  command: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Time from SIGTERM to SIGKILL. */
  stopDeadlineMs: number;
  /** `prefixed` goes to stderr by line; `passthrough` uses our own output. */
  output: 'prefixed' | 'passthrough';
}

export interface Started {
  name: string;
  exited: Promise<Exit>;
  stop(): Promise<void>;
}

export interface Supervisor {
  start(options: ChildOptions): Promise<void>;
  /** Supervises a process that was started elsewhere. */
  add(started: Started): void;
  /** Resolves with a sentence when a process ends unasked. */
  unexpectedEnd: Promise<string>;
  /** Stops everything, last started first; a second call waits for the first. Never rejects. */
  stopAll(): Promise<void>;
}

/** Process supervisor: starts processes, and ends them by their process ids. */
export function supervise(): Supervisor {
  const running: Started[] = [];
  const unexpected = Promise.withResolvers<string>();
  let stopping: Promise<void> | undefined;

  const add = (started: Started) => {
    running.push(started);
    started.exited.then(({ reason }) => {
      if (stopping === undefined) unexpected.resolve(`${started.name} ended unexpectedly (${reason})`);
    });
  };
  const start = async (options: ChildOptions) => {
    const child = await spawnChild(options);
    const stop = () => stopProcess(child, 'SIGTERM', options.stopDeadlineMs);
    add({ name: options.name, exited: child.exited, stop });
  };
  const stopAll = () => {
    stopping ??= stopLastFirst(running);
    return stopping;
  };
  return { start, add, unexpectedEnd: unexpected.promise, stopAll };
}

async function stopLastFirst(running: Started[]): Promise<void> {
  for (let last = running.pop(); last !== undefined; last = running.pop()) {
    const { name, stop } = last;
    await stop().catch((err: unknown) => progress(`${name} did not stop: ${String(err)}`));
  }
}

interface Child extends Stoppable {
  pid: number;
}

async function spawnChild(options: ChildOptions): Promise<Child> {
  const [program = '', ...args] = [...(await dieWithParent('TERM')), ...options.command];
  const piped = options.output === 'prefixed';
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    // A session of its own: Ctrl-C reaches only this process, which stops the others in order.
    detached: true,
    stdio: ['ignore', piped ? 'pipe' : 'inherit', piped ? 'pipe' : 'inherit'],
  });
  const exited = exitOf(child);
  if (child.pid === undefined)
    throw new Error(`${options.name} could not be started: ${(await exited).reason}`);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) prefixLines(stream, options.name, process.stderr);
  }
  return { pid: child.pid, exited, kill: (signal) => void child.kill(signal) };
}
