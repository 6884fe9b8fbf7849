import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppliedChange } from '../../src/domain/key-change.ts';
import { JournalBucket } from '../../src/journal/journal-bucket.ts';
import { JournalWriter } from '../../src/journal/journal-writer.ts';
import { atEnd, endAll } from '../support/at-end.ts';
import { type ObjectStore, startObjectStore } from '../support/object-store.ts';

let store: ObjectStore;
beforeAll(async () => {
  store = await startObjectStore();
});
afterAll(endAll);

const changeAt = (seq: number): AppliedChange => ({
  seq,
  kind: 'key',
  subjectId: `flk_${seq}`,
  revision: 2,
  status: null,
});

/** Each test has a history of its own in the bucket. */
function historyNumber(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

function writerOf(historyId: string, options = store.bucket) {
  const faults: unknown[] = [];
  const writer = new JournalWriter(new JournalBucket(options), (fault) => void faults.push(fault));
  atEnd(() => writer.close());
  writer.begin({ historyId, timeline: 1 }, 0);
  return { writer, faults };
}

async function seqsOf(historyId: string) {
  const seqs: number[] = [];
  const damaged = await new JournalBucket(store.bucket).readChanges(
    new Set([historyId]),
    ({ seq }) => void seqs.push(seq),
  );
  return { seqs, damaged };
}

test('what was reached is in the bucket, in the order of the feed, and each change once', async () => {
  const history = historyNumber(1);
  const { writer } = writerOf(history);
  writer.apply([changeAt(1), changeAt(2)], 2);
  await writer.reach(2);
  writer.apply([changeAt(2), changeAt(3)], 5);
  await writer.reach(5);
  expect(await seqsOf(history)).toEqual({ seqs: [1, 2, 3], damaged: [] });
});

test('the tail is found from about the end of the feed, and when the journal ended long before it', async () => {
  const history = historyNumber(2);
  const { writer } = writerOf(history);
  for (const seq of [3, 40, 9_000, 10_000]) {
    writer.apply([changeAt(seq)], seq);
    await writer.reach(seq);
  }
  const seqsNear = async (lastSeq: number, historyId = history) => {
    const tails = await new JournalBucket(store.bucket).readTails({ historyId, lastSeq });
    return tails.find((tail) => tail.historyId === history)?.changes.map(({ seq }) => seq);
  };
  expect(await seqsNear(9_999)).toEqual([9_000, 10_000]);
  expect(await seqsNear(40)).toEqual([3, 40, 9_000, 10_000]);
  expect(await seqsNear(1_000_000)).toEqual([3, 40, 9_000, 10_000]);
  // Of other histories only that they exist is asked.
  expect(await seqsNear(9_999, historyNumber(77))).toEqual([]);
});

test('two processes write beside each other', async () => {
  const history = historyNumber(3);
  const writers = [writerOf(history).writer, writerOf(history).writer];
  for (const writer of writers) writer.apply([changeAt(1), changeAt(2)], 2);
  await Promise.all(writers.map((writer) => writer.reach(2)));
  expect((await seqsOf(history)).seqs.toSorted()).toEqual([1, 1, 2, 2]);
});

test('while the store is away no change begins, and what is owed is written afterwards', async () => {
  const history = historyNumber(4);
  const { writer, faults } = writerOf(history);
  writer.apply([changeAt(1)], 1);
  await writer.reach(1);
  await store.stop();
  writer.apply([changeAt(2)], 2);
  await expect(writer.reach(2)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  expect(() => writer.requireWritable()).toThrow();
  expect(faults.length).toBeGreaterThan(0);
  await store.start();
  await writer.reach(2);
  writer.requireWritable();
  expect(await seqsOf(history)).toEqual({ seqs: [1, 2], damaged: [] });
});

test('an unknown access key and a bucket that is not there take nothing, and are no empty journal', async () => {
  const url = new URL('/elsewhere/keys', store.bucket.url);
  for (const options of [
    { ...store.bucket, accessKeyId: 'made-up' },
    { ...store.bucket, url },
  ]) {
    const { writer } = writerOf(historyNumber(5), options);
    writer.apply([changeAt(1)], 1);
    await expect(writer.reach(1)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    await expect(new JournalBucket(options).readTails({ historyId: null, lastSeq: 0 })).rejects.toThrow();
  }
});
