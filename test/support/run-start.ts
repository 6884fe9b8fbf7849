import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Exit, exitOf } from '../../scripts/services/exit-of.ts';
import { isPortFree } from '../../scripts/services/free-port.ts';
import { projectRoot } from '../../scripts/services/project-root.ts';

export interface RunningStart {
  child: ChildProcess;
  exited: Promise<Exit>;
  /** All output so far. */
  said(): { stdout: string; stderr: string };
  /** Resolves at the summary; rejects with the output when it ends before. */
  ready: Promise<void>;
}

const LAST_LINE = 'Ctrl-C stops everything.';

/** Runs `scripts/start`, and ends it after the test. */
export function runStart(...args: string[]): RunningStart {
  const child = spawn(process.execPath, [join(projectRoot, 'scripts', 'start.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = exitOf(child);
  let stdout = '';
  let stderr = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes(LAST_LINE)) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('close', () => reject(new Error(`ended early: ${stderr}`)));
  });
  ready.catch(() => {});
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  return { child, exited, said: () => ({ stdout, stderr }), ready };
}

/** The first of three consecutive free ports, for the API and both metrics. */
export async function threeFreePorts(): Promise<number> {
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all([first, first + 1, first + 2].map(isPortFree));
    if (free.every(Boolean)) return first;
  }
}
