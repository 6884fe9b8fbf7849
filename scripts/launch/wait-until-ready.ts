import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
const READY_MS_MAX = 60_000;

/** Resolves when `/health/ready` answers 200. */
export async function waitUntilReady(url: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS_MAX;
  while (performance.now() < giveUpAt) {
    if (await isReady(`${url}/health/ready`)) return;
    await sleep(POLL_MS);
  }
  throw new Error(
    `The API did not become ready within ${READY_MS_MAX / 1000} seconds: ${url}/health/ready says why.`,
  );
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
