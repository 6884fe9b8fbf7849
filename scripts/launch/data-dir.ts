import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readPid } from '../services/wait-for-previous.ts';

const LOCK_FILE = 'start.lock';
const PID_FILE = 'start.pid';

/**
 * Creates the data directory (0700) and locks it until this process ends. Returns whether the
 * previous start ended properly; otherwise its processes may still be stopping. Rejects with one
 * sentence when another start holds it, or when it has foreign files.
 */
export async function takeDataDir(dataDir: string): Promise<{ endedProperly: boolean }> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const entries = await readdir(dataDir);
  if (entries.length > 0 && !entries.includes(LOCK_FILE)) {
    throw new Error(`${dataDir} holds other files: choose a new or empty directory with --data-dir.`);
  }
  const pidFile = join(dataDir, PID_FILE);
  if (!lock(join(dataDir, LOCK_FILE))) {
    const pid = readPid(pidFile) ?? 'unknown';
    throw new Error(
      `${dataDir} is in use by another start (process ${pid}): stop it, or choose another directory with --data-dir.`,
    );
  }
  await writeFile(pidFile, `${process.pid}\n`);
  return { endedProperly: !entries.includes(PID_FILE) };
}

/** Marks that everything has stopped. No-op for a directory of another start. */
export async function leaveDataDir(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, PID_FILE);
  if (readPid(pidFile) === process.pid) await rm(pidFile);
}

// The kernel's file lock, through SQLite because Node has no call for it. Unlike a pid file it
// cannot be left behind by kill -9.
const held: DatabaseSync[] = [];

function lock(path: string): boolean {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    held.push(database);
    return true;
  } catch (err) {
    database.close();
    if ((err as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw err;
  }
}

// https://www.sqlite.org/rescode.html#busy
const SQLITE_BUSY = 5;
