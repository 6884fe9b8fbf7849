import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Waits for the end of a server that still runs on `directory`: after a `kill -9` of its parent it
 * is shutting down, and two servers on one directory destroy it. Rejects after `deadlineMs`.
 */
export async function waitForPrevious(
  name: string,
  pidFile: string,
  directory: string,
  deadlineMs: number,
): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const pid = readPid(pidFile);
    if (pid === undefined || !isServerOf(pid, directory)) return;
    if (performance.now() > giveUpAt) {
      throw new Error(
        `${name} (process ${pid}) is still running on ${directory}: stop it with kill -INT ${pid}.`,
      );
    }
    await sleep(POLL_MS);
  }
}

export function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// A process id alone proves nothing, since another program may have it now. Both servers use their
// directory as working directory, which Linux shows. Elsewhere the id has to suffice.
function isServerOf(pid: number, directory: string): boolean {
  if (process.platform !== 'linux') return isAlive(pid);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(directory);
  } catch {
    return false;
  }
}
