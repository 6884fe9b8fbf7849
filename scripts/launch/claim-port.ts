import { setTimeout as sleep } from 'node:timers/promises';
import { choosePort, isPortFree } from '../services/free-port.ts';

const POLL_MS = 50;

/** Rejects in one sentence when the port is still taken after `waitMs`. */
export async function claimPort(port: number, purpose: string, waitMs: number): Promise<void> {
  const giveUpAt = performance.now() + waitMs;
  while (performance.now() < giveUpAt && !(await isPortFree(port))) await sleep(POLL_MS);
  await choosePort(port, purpose);
}
