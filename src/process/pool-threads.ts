import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** Halfway between the default 0 and 19, the lowest priority. */
const niceness = 10;

/**
 * Lowers the priority of libuv's pool threads below the event loop. Passwords are hashed on them.
 * On a shared core the scheduler would give each thread milliseconds at a time, and every
 * verification would wait. Linux keeps a niceness for each thread (setpriority(2)); elsewhere
 * nothing changes.
 */
export async function lowerPoolThreads(): Promise<void> {
  const threads = await readdir('/proc/self/task').catch(() => []);
  for (const thread of threads) {
    const name = await readFile(`/proc/self/task/${thread}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'libuv-worker') setPriority(Number(thread), niceness);
  }
}
