import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlowplateError } from '../domain/errors.ts';
import { type JournalHead, toJournalLine } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';

/** Longer than any disk should take; a caller waits no longer. */
const waitMsMax = 2_000;
/** Pause after a failed write. */
const retryMs = 250;
const fileBytesMax = 64 * 1_048_576;

type Waiter = { seq: number; resolve: () => void; reject: (error: Error) => void; timer: NodeJS.Timeout };

/**
 * Writer of the revocation journal: every entry of the change feed, in files outside of Postgres.
 * It follows the feed as the caches do, so that one process knows the changes of all. A change is
 * answered only when its entry is on disk here (`reach`), and a verifier confirms it only then.
 *
 * One file for each process and start, with a head that names the history; one `fdatasync` for all
 * that came during the last one.
 */
export class JournalWriter {
  readonly #directory: string;
  readonly #onFault: (error: unknown) => void;
  readonly #waiters = new Set<Waiter>();
  #head: JournalHead | undefined;
  #isHeadWritten = false;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #lines: string[] = [];
  #queuedSeq = 0;
  #durableSeq = 0;
  #hasFailed = false;
  #isClosed = false;
  #writing: Promise<void> | undefined;

  constructor(directory: string, onFault: (error: unknown) => void) {
    this.#directory = directory;
    this.#onFault = onFault;
  }

  /**
   * Begins a file for this history. What comes next lies behind `seq` of its feed; what is still
   * owed to an earlier history is dropped with it.
   */
  begin(head: JournalHead, seq: number): void {
    this.#head = head;
    this.#lines = [];
    this.#isHeadWritten = false;
    this.#queuedSeq = seq;
    this.#durableSeq = seq;
  }

  apply(changes: readonly AppliedChange[], seq: number): void {
    const fresh = changes.filter((change) => change.seq > this.#queuedSeq);
    this.#lines.push(...fresh.map(toJournalLine));
    this.#queuedSeq = Math.max(this.#queuedSeq, seq);
    this.#write();
  }

  /**
   * Rejects with `DEPENDENCY_UNAVAILABLE` while the disk takes nothing, before a change is made.
   */
  requireWritable(): void {
    if (this.#hasFailed) throw unavailable();
  }

  /**
   * Resolves when everything up to `seq` of the feed is on disk. Rejects with
   * `DEPENDENCY_UNAVAILABLE` when that takes too long; the change may have happened then.
   */
  async reach(seq: number): Promise<void> {
    if (seq <= this.#durableSeq) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(unavailable());
      }, waitMsMax);
      const waiter = { seq, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** Writes what is left, once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#file?.close();
  }

  #write(): void {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#durableSeq < this.#queuedSeq) {
      const [head, lines, seq] = [this.#head, this.#lines, this.#queuedSeq];
      this.#lines = [];
      try {
        await this.#append(lines);
        this.#hasFailed = false;
        if (head !== this.#head) continue;
        this.#durableSeq = seq;
        this.#settle();
      } catch (error) {
        this.#onFault(error);
        this.#hasFailed = true;
        if (head === this.#head) this.#lines = [...lines, ...this.#lines];
        // What the failed write has left is a torn line of a file that is not continued.
        this.#isHeadWritten = false;
        if (this.#isClosed) return;
        await sleep(retryMs);
      }
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    if (!this.#isHeadWritten || this.#fileBytes > fileBytesMax) await this.#openFile();
    const bytes = Buffer.from(lines.join(''));
    await this.#file?.appendFile(bytes);
    await this.#file?.datasync();
    this.#fileBytes += bytes.length;
  }

  async #openFile(): Promise<void> {
    if (this.#head === undefined) throw new Error('The journal has no history yet');
    await this.#file?.close();
    this.#file = undefined;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const time = new Date().toISOString().replaceAll(':', '-');
    const name = `${time}-${hostname()}-${process.pid}.journal`;
    this.#file = await open(join(this.#directory, name), 'ax', 0o600);
    const bytes = Buffer.from(toJournalLine(this.#head));
    await this.#file.appendFile(bytes);
    await this.#file.datasync();
    await syncDirectory(this.#directory);
    this.#fileBytes = bytes.length;
    this.#isHeadWritten = true;
  }

  #settle(): void {
    for (const waiter of this.#waiters) {
      if (waiter.seq > this.#durableSeq) continue;
      this.#waiters.delete(waiter);
      clearTimeout(waiter.timer);
      waiter.resolve();
    }
  }
}

/** A new name in a directory lasts only once the directory is written, too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().finally(() => handle.close());
}

function unavailable(): FlowplateError {
  return new FlowplateError('DEPENDENCY_UNAVAILABLE', {
    systemMessage: 'The revocation journal takes no entries at the moment',
    retryAfterSeconds: 1,
  });
}
