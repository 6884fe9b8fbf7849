import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Waits for a server that still runs on `directory` to end: after a `kill -9` of its parent it is
 * busy shutting down, and two servers on one directory destroy it. Rejects when it is still there
 * after `deadlineMs`.
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

// A number alone proves nothing: after a reboot or in a container another program has it. Both
// servers make their directory their working directory, and Linux shows that; elsewhere the number
// has to do.
function isServerOf(pid: number, directory: string): boolean {
  if (process.platform !== 'linux') return isAlive(pid);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(directory);
  } catch {
    return false;
  }
}
