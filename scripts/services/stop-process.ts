import { setTimeout as sleep } from 'node:timers/promises';
import type { Exit } from './exit-of.ts';

export interface Stoppable {
  exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

/** Sends `signal`, kills after `deadlineMs`, and waits for the end. No-op after the end. */
export async function stopProcess(
  process: Stoppable,
  signal: NodeJS.Signals,
  deadlineMs: number,
): Promise<void> {
  process.kill(signal);
  const late = await Promise.race([
    process.exited.then(() => false),
    sleep(deadlineMs, true, { ref: false }),
  ]);
  if (late) process.kill('SIGKILL');
  await process.exited;
}
