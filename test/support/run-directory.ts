import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../scripts/services/wait-for-previous.ts';

/** tmpfs of Linux: files in memory. */
const memory = '/dev/shm';
const freeBytesMin = 4 * 2 ** 30;
const prefix = 'flowplate-test-';

/**
 * Directory for the data of a run's servers, in memory where there is room. A copy of a database is
 * 500 files: 300 ms of work on a disk, 30 in memory.
 */
export async function makeRunDirectory(): Promise<string> {
  if ((await freeBytes(memory)) < freeBytesMin) return mkdtemp(join(tmpdir(), prefix));
  await removeLeftovers();
  return mkdtemp(join(memory, `${prefix}${process.pid}-`));
}

async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** Of runs that were killed: memory is scarcer than a disk. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(memory)) {
    const [, pid] = name.match(/^flowplate-test-(\d+)-/) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(memory, name), { recursive: true, force: true });
  }
}
