import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../support/at-end.ts';
import { compileCache } from '../support/compile-cache.ts';

export const launcher = fileURLToPath(new URL('../../src/cli/flowplate.js', import.meta.url));

export type Ran = { stdout: string; stderr: string; exitCode: number | null };

export type RunOptions = { env?: Record<string, string>; stdin?: string };

/** The command line as somebody at this server uses it, with a home of their own. */
export type Desk = {
  home: string;
  /** Everything that the program finds in its environment. */
  env: Record<string, string>;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, of one that has to work, with what --json prints. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what is not there
  json(args: readonly string[], options?: RunOptions): Promise<any>;
};

export async function openDesk(server: string, more: Record<string, string> = {}): Promise<Desk> {
  const home = await mkdtemp(join(tmpdir(), 'flowplate-test-'));
  atEnd(() => rm(home, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH ?? '', HOME: home, FLOWPLATE_SERVER: server, ...more };
  const run: Desk['run'] = (args, options = {}) => runFlowplate(args, env, options);
  return {
    home,
    env,
    run,
    json: async (args, options) => {
      const { stdout, stderr, exitCode } = await run([...args, '--json'], options);
      if (exitCode !== 0) throw new Error(`flowplate ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
      return JSON.parse(stdout);
    },
  };
}

async function runFlowplate(
  args: readonly string[],
  env: Record<string, string>,
  options: RunOptions,
): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...args], {
    env: { ...compileCache(), ...env, ...options.env },
  });
  // A process that refuses before it reads has closed it already.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, exitCode };
}
