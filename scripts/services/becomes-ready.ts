import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './server-process.ts';

const POLL_MS = 20;

/**
 * Polls until the server is ready (true), or has ended or timed out (false). `giveUpAt` is
 * monotonic.
 */
export async function becomesReady(
  server: Pick<ServerProcess, 'exited'>,
  giveUpAt: number,
  isReady: () => Promise<boolean>,
): Promise<boolean> {
  let ended = false;
  server.exited.then(() => {
    ended = true;
  });
  while (!ended && performance.now() < giveUpAt) {
    if (await isReady()) return true;
    await sleep(POLL_MS);
  }
  return false;
}
