import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dieWithParent } from '../../scripts/services/die-with-parent.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { atEnd } from './at-end.ts';
import { compileCache } from './compile-cache.ts';
import type { EditedSource } from './edited-source.ts';

export type Ended = { code: number | null; signal: NodeJS.Signals | null };

export type Running = {
  pid: number;
  exited: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Output so far, of standard output and standard error. */
  stdout(): string;
  stderr(): string;
};

export type ProcessOptions = {
  /** The whole environment, but for PATH and the compile cache; the test's is not inherited. */
  env: Record<string, string>;
  args?: readonly string[];
  /** Standard input; none unless given. */
  input?: string;
  /** Where the script lies; another release. Ours unless given. */
  root?: string;
  /** With something changed, for a control run. */
  source?: EditedSource | undefined;
};

const node = join(projectRoot, 'node_modules', '.bin', 'node');

/**
 * Starts a script as users do. It is killed at the end of the file, and stopped when this process
 * dies.
 */
export async function startScript(script: string, options: ProcessOptions): Promise<Running> {
  const { root = projectRoot, source, args = [], env, input = '' } = options;
  const preload = source === undefined ? [] : ['--import', source.preload];
  const command = [...(await dieWithParent('TERM')), node, ...preload, script, ...args];
  const [program = node, ...rest] = command;
  const child = spawn(program, rest, {
    cwd: root,
    env: { PATH: process.env.PATH, ...compileCache(root), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {}).end(input);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  }
  // `close`, not `exit`: all its output has been read then.
  const exited = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  atEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    pid: child.pid ?? 0,
    exited,
    kill: (signal) => void child.kill(signal),
    stdout: () => written.stdout,
    stderr: () => written.stderr,
  };
}

/** Runs a script to its end, as a person at the shell does. */
export async function runScript(
  script: string,
  options: ProcessOptions,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const running = await startScript(script, options);
  const { code } = await running.exited;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

export type LogLine = Record<string, unknown> & { msg?: string };

export function logLines(running: Pick<Running, 'stdout'>): LogLine[] {
  return running
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}

/** Guards against hanging. A start takes a second of work, and many share a busy machine. */
const startMsMax = 90_000;

/** First log line with this message; rejects when the process ends before, or after a time-out. */
export async function loggedLine(running: Running, message: string, withinMs = startMsMax): Promise<LogLine> {
  const ended = running.exited.then(({ code, signal }) => {
    throw new Error(`ended (${code ?? signal}) before "${message}": ${running.stderr()}${running.stdout()}`);
  });
  const seen = pollLine(running, message, withinMs);
  return Promise.race([seen, ended]);
}

async function pollLine(running: Running, message: string, withinMs: number): Promise<LogLine> {
  const giveUpAt = performance.now() + withinMs;
  while (performance.now() < giveUpAt) {
    const line = logLines(running).find(({ msg }) => msg === message);
    if (line !== undefined) return line;
    await sleep(10);
  }
  throw new Error(`no "${message}" within ${withinMs} ms: ${running.stdout()}`);
}
