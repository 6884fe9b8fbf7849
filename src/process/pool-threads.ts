import { readdir, readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** Halfway between the usual 0 and 19, which gives way to everything. */
const niceness = 10;

/**
 * Lets the threads of libuv's pool give way to the event loop. Passwords are hashed on them; where
 * they have to share a core, the scheduler would give each of them turns of milliseconds like
 * everybody else, and every verification would wait for these to end. Linux keeps a niceness for
 * each thread (setpriority(2)); elsewhere nothing changes.
 */
export async function lowerPoolThreads(): Promise<void> {
  const threads = await readdir('/proc/self/task').catch(() => []);
  for (const thread of threads) {
    const name = await readFile(`/proc/self/task/${thread}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'libuv-worker') setPriority(Number(thread), niceness);
  }
}
