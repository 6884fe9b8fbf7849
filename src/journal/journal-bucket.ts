import { randomUUID } from 'node:crypto';
import { S3mini } from 's3mini';
import { type JournalHead, parseJournalChange, parseJournalHead, toJournalLine } from '../domain/journal.ts';
import type { AppliedChange } from '../domain/key-change.ts';
import type { JournalStore, JournalTail, Near } from './journal-store.ts';

export type BucketOptions = {
  /** Of the bucket, and what all names in it begin with: `https://s3.example.com/bucket/keys`. */
  url: URL;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
};

/** Of one request; the writer tries again. */
const requestMsMax = 5_000;

/** Digits of a place in the feed within a name, so that names sort as places do. */
const seqDigits = 16;

/** Changes before the end of the feed that are still looked for at a start. */
const nearSeqs = 1_000;
/** Of these, the newest objects that are read. */
const tailObjects = 20;
/** Requests at a time while all is read. */
const readsAtOnce = 16;

/**
 * Revocation journal in a bucket of an S3-compatible object store: one object for the changes of
 * one write, named by history and place. An object appears whole or not at all, and is never
 * changed.
 */
export class JournalBucket implements JournalStore {
  readonly #bucket: S3mini;
  readonly #prefix: string;
  #head: JournalHead | undefined;

  constructor({ url, ...access }: BucketOptions) {
    const [bucket = '', ...prefix] = url.pathname.split('/').filter((part) => part !== '');
    this.#bucket = new S3mini({
      ...access,
      endpoint: new URL(`/${bucket}`, url).href,
      requestAbortTimeout: requestMsMax,
    });
    this.#prefix = prefix.map((part) => `${part}/`).join('');
  }

  async append(head: JournalHead, changes: readonly AppliedChange[]): Promise<void> {
    if (this.#head !== head) {
      await this.#put(`${this.#headsOf(head.historyId)}${head.timeline}`, toJournalLine(head));
      this.#head = head;
    }
    const seq = changes.reduce((last, change) => Math.max(last, change.seq), 0);
    const name = `${this.#changesOf(head.historyId)}${nameOf(seq)}-${randomUUID()}`;
    await this.#put(name, changes.map(toJournalLine).join(''));
  }

  async readTails(near: Near): Promise<JournalTail[]> {
    const heads = await this.#readHeads();
    const tail = heads.some(({ historyId }) => historyId === near.historyId)
      ? await this.#readTail(near)
      : [];
    return heads.map((head) => ({ ...head, changes: head.historyId === near.historyId ? tail : [] }));
  }

  async readChanges(
    historyIds: ReadonlySet<string>,
    onChange: (change: AppliedChange, head: JournalHead) => void,
  ): Promise<string[]> {
    const damaged: string[] = [];
    const heads = new Map((await this.#readHeads()).map((head) => [head.historyId, head]));
    for (const head of heads.values()) {
      if (!historyIds.has(head.historyId)) continue;
      const names = await this.#list(this.#changesOf(head.historyId));
      for (let start = 0; start < names.length; start += readsAtOnce) {
        const read = names.slice(start, start + readsAtOnce).map((name) => this.#readObject(name));
        for (const { name, changes, isWhole } of await Promise.all(read)) {
          if (!isWhole) damaged.push(name);
          for (const change of changes) onChange(change, head);
        }
      }
    }
    return damaged;
  }

  async close(): Promise<void> {}

  #headsOf = (historyId: string) => `${this.#prefix}heads/${historyId}/`;
  #changesOf = (historyId: string) => `${this.#prefix}changes/${historyId}/`;

  /** One for each history and timeline. */
  async #readHeads(): Promise<JournalHead[]> {
    const names = await this.#list(`${this.#prefix}heads/`);
    const texts = await Promise.all(names.map((name) => this.#bucket.getObject(name)));
    return texts.flatMap((text) => parseJournalHead((text ?? '').trimEnd()) ?? []);
  }

  /** All of it is listed only where the journal ends long before the feed. */
  async #readTail({ historyId, lastSeq }: Near): Promise<AppliedChange[]> {
    if (historyId === null) return [];
    const folder = this.#changesOf(historyId);
    const after = `${folder}${nameOf(Math.max(lastSeq - nearSeqs, 0))}`;
    const near = await this.#list(folder, after);
    const names = near.length > 0 ? near : await this.#list(folder);
    const read = names.slice(-tailObjects).map((name) => this.#readObject(name));
    return (await Promise.all(read)).flatMap(({ changes }) => changes);
  }

  async #readObject(name: string): Promise<{ name: string; changes: AppliedChange[]; isWhole: boolean }> {
    const lines = ((await this.#bucket.getObject(name)) ?? '').trimEnd().split('\n');
    const changes = lines.flatMap((line) => parseJournalChange(line) ?? []);
    return { name, changes, isWhole: changes.length === lines.length };
  }

  async #list(folder: string, after?: string): Promise<string[]> {
    const startAfter = after === undefined ? {} : { 'start-after': after };
    const objects = await this.#bucket.listObjects('/', folder, undefined, startAfter);
    if (objects === null) throw new Error('The bucket of the revocation journal does not exist');
    return objects.map(({ Key }) => Key);
  }

  async #put(name: string, text: string): Promise<void> {
    await this.#bucket.putObject(name, text, 'text/plain');
  }
}

function nameOf(seq: number): string {
  return String(seq).padStart(seqDigits, '0');
}
