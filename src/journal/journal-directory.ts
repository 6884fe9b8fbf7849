import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type JournalHead, parseJournalChange, parseJournalHead, toJournalLine } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { JournalStore, JournalTail } from './journal-store.ts';

const fileBytesMax = 64 * 1_048_576;

/**
 * Revocation journal in a directory, one file for each process and start, with a head that names
 * the history. Only its owner reads it.
 */
export class JournalDirectory implements JournalStore {
  readonly #directory: string;
  #head: JournalHead | undefined;
  #file: FileHandle | undefined;
  #fileBytes = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async append(head: JournalHead, changes: readonly AppliedChange[]): Promise<void> {
    try {
      if (this.#head !== head || this.#fileBytes > fileBytesMax) await this.#openFile(head);
      const bytes = Buffer.from(changes.map(toJournalLine).join(''));
      await this.#file?.appendFile(bytes);
      await this.#file?.datasync();
      this.#fileBytes += bytes.length;
    } catch (error) {
      // A failed write leaves a torn line, so the next one begins another file.
      this.#head = undefined;
      throw error;
    }
  }

  /** Those of every file. A crash tears the last line. */
  async readTails(): Promise<JournalTail[]> {
    const tails = await Promise.all((await listFiles(this.#directory)).map(readTail));
    return tails.filter((tail) => tail !== undefined);
  }

  async readChanges(
    historyIds: ReadonlySet<string>,
    onChange: (change: AppliedChange, head: JournalHead) => void,
  ): Promise<string[]> {
    const damaged: string[] = [];
    for (const path of await listFiles(this.#directory)) {
      const isWhole = await readFileChanges(path, historyIds, onChange);
      if (!isWhole) damaged.push(path);
    }
    return damaged;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #openFile(head: JournalHead): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replaceAll(':', '-');
    const name = `${time}-${hostname()}-${process.pid}.journal`;
    this.#file = await open(join(this.#directory, name), 'ax', 0o600);
    const bytes = Buffer.from(toJournalLine(head));
    await this.#file.appendFile(bytes);
    await this.#file.datasync();
    await syncDirectory(this.#directory);
    this.#fileBytes = bytes.length;
    this.#head = head;
  }
}

/** Of each file, as much of its end as holds some hundred changes. */
const tailBytes = 65_536;

/** False for a file with a line before its last one that cannot be read. */
async function readFileChanges(
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

/** A new name in a directory lasts only once the directory is written, too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}
