import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { exitOf } from '../services/exit-of.ts';
import { projectRoot } from '../services/project-root.ts';
import type { CheckResult } from './check.ts';

/** Runs a JavaScript program, by its path in the project, on the pinned Node. */
export async function runTool(
  command: readonly [string, ...string[]],
  signal: AbortSignal,
  cwd = projectRoot,
): Promise<CheckResult & { stdout: string }> {
  const [program, ...args] = command;
  const child = spawn(process.execPath, [join(projectRoot, program), ...args], {
    cwd,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const exit = await exitOf(child);
  await closed;
  return { ok: exit.code === 0, output, stdout };
}
