import { setTimeout as sleep } from 'node:timers/promises';

/** Often enough to watch a rollout, and no load for the server. */
const everyMs = 2_000;

/**
 * Repeats `show` until Ctrl-C or the end of the pipe. An error ends it: a wall of the same refusal
 * would hide the last good answer.
 */
export async function watch(show: () => Promise<void>): Promise<never> {
  for (;;) {
    await show();
    await sleep(everyMs);
  }
}

/** Clears a terminal, so that a table stands still; a pipe gets one table after another. */
export function clearScreen(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J\u001b[3J');
}
