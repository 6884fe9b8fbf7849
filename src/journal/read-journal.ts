import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type JournalHead, parseJournalChange, parseJournalHead } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';

/** Of each file, as much of its end as holds some hundred changes. */
const tailBytes = 65_536;

/** The end of one file of the journal. */
export type JournalTail = JournalHead & { changes: AppliedChange[] };

/**
 * The head and the last changes of every file. Damaged lines are left out: a crash tears the last.
 */
export async function readJournalTails(directory: string): Promise<JournalTail[]> {
  const tails = await Promise.all((await listFiles(directory)).map(readTail));
  return tails.filter((tail) => tail !== undefined);
}

/**
 * Calls `onChange` with every change of these histories; the same one may come several times.
 * Returns the files with a line that cannot be read before their last one: changes may be missing.
 */
export async function readJournal(
  directory: string,
  historyIds: ReadonlySet<string>,
  onChange: (change: AppliedChange, head: JournalHead) => void,
): Promise<string[]> {
  const damaged: string[] = [];
  for (const path of await listFiles(directory)) {
    const isWhole = await readChanges(path, historyIds, onChange);
    if (!isWhole) damaged.push(path);
  }
  return damaged;
}

/** False for a file with a line before its last one that cannot be read. */
async function readChanges(
  path: string,
  historyIds: ReadonlySet<string>,
  onChange: (change: AppliedChange, head: JournalHead) => void,
): Promise<boolean> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let head: JournalHead | undefined;
  let isTorn = false;
  for await (const line of lines) {
    // A torn line is the last one of its file.
    if (isTorn) return false;
    if (head === undefined) {
      head = parseJournalHead(line);
      if (head !== undefined && !historyIds.has(head.historyId)) return true;
      isTorn = head === undefined;
      continue;
    }
    const change = parseJournalChange(line);
    isTorn = change === undefined;
    if (change !== undefined) onChange(change, head);
  }
  return true;
}

async function readTail(path: string): Promise<JournalTail | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const first = await readAt(file, 0, Math.min(size, tailBytes));
    const [line = '', ...others] = first.split('\n');
    const head = parseJournalHead(line);
    if (head === undefined) return undefined;
    const last = size <= tailBytes ? others : (await readAt(file, size - tailBytes, tailBytes)).split('\n');
    return { ...head, changes: last.flatMap((text) => parseJournalChange(text) ?? []) };
  } finally {
    await file.close();
  }
}

async function readAt(
  file: Awaited<ReturnType<typeof open>>,
  position: number,
  length: number,
): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position });
  return buffer.toString('utf8', 0, bytesRead);
}

/** Oldest first: a name begins with a time. */
async function listFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith('.journal'))
    .toSorted()
    .map((name) => join(directory, name));
}
