import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { AppliedChange } from '../../src/domain/key-change.ts';
import { JournalDirectory } from '../../src/journal/journal-directory.ts';
import { JournalWriter } from '../../src/journal/journal-writer.ts';
import { RevocationJournal } from '../../src/journal/revocation-journal.ts';
import { DatabaseHistory } from '../../src/revocation/database-history.ts';
import { atEnd, endAll } from '../support/at-end.ts';

const history = '11111111-1111-4111-8111-111111111111';
const other = '22222222-2222-4222-8222-222222222222';

afterAll(endAll);

const changeAt = (seq: number, subjectId = `flk_${seq}`): AppliedChange => ({
  seq,
  kind: 'key',
  subjectId,
  revision: 2,
  status: null,
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'flowplate-journal-'));
  atEnd(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function newWriter(directory: string) {
  const faults: unknown[] = [];
  const writer = new JournalWriter(new JournalDirectory(directory), (fault) => void faults.push(fault));
  atEnd(() => writer.close());
  writer.begin({ historyId: history, timeline: 1 }, 0);
  return { writer, faults };
}

async function readAll(directory: string, histories = [history]) {
  const seqs: number[] = [];
  const damaged = await new JournalDirectory(directory).readChanges(
    new Set(histories),
    ({ seq }) => void seqs.push(seq),
  );
  return { seqs, damaged };
}

test('what was reached is in the file, in the order of the feed, and each change once', async () => {
  const directory = await newDirectory();
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1), changeAt(2)], 2);
  writer.apply([changeAt(2), changeAt(3)], 5);
  await writer.reach(5);
  expect(await readAll(directory)).toEqual({ seqs: [1, 2, 3], damaged: [] });
  const [file = ''] = await readdir(directory);
  expect(await readFile(join(directory, file), 'utf8')).not.toContain('undefined');
});

test('a line that a crash tore is left out; one in the middle is told', async () => {
  const directory = await newDirectory();
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1), changeAt(2)], 2);
  await writer.reach(2);
  const [file = ''] = await readdir(directory);
  const path = join(directory, file);
  const whole = await readFile(path, 'utf8');
  await appendFile(path, whole.split('\n')[1]?.slice(0, 30) ?? '');
  expect(await readAll(directory)).toEqual({ seqs: [1, 2], damaged: [] });
  await writeFile(path, whole.replace('"seq":1', '"seq":9'));
  expect(await readAll(directory)).toMatchObject({ damaged: [path] });
});

test('a file without a whole head has lost nothing, and of another history none is read', async () => {
  const directory = await newDirectory();
  await writeFile(join(directory, 'torn.journal'), 'abc');
  await writeFile(join(directory, 'empty.journal'), '');
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1)], 1);
  await writer.reach(1);
  expect(await readAll(directory, [other])).toEqual({ seqs: [], damaged: [] });
  expect((await new JournalDirectory(directory).readTails()).map(({ historyId }) => historyId)).toEqual([
    history,
  ]);
});

test('while the directory takes nothing no change begins, and what is owed is written afterwards', async () => {
  const parent = await newDirectory();
  const directory = join(parent, 'journal');
  // A file in the place of the directory: root may write into any directory.
  await writeFile(directory, '');
  const { writer, faults } = newWriter(directory);
  writer.apply([changeAt(1)], 1);
  await expect(writer.reach(1)).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  expect(() => writer.requireWritable()).toThrow();
  expect(faults.length).toBeGreaterThan(0);
  await rm(directory);
  await writer.reach(1);
  writer.requireWritable();
  expect(await readAll(directory)).toEqual({ seqs: [1], damaged: [] });
});

test('only its owner reads it', async () => {
  const directory = await newDirectory();
  await chmod(directory, 0o755);
  const inside = join(directory, 'journal');
  const { writer } = newWriter(inside);
  writer.apply([changeAt(1)], 1);
  await writer.reach(1);
  const { stat } = await import('node:fs/promises');
  const [file = ''] = await readdir(inside);
  const modes = [(await stat(inside)).mode & 0o777, (await stat(join(inside, file))).mode & 0o777];
  expect(modes).toEqual([0o700, 0o600]);
});

test.each([
  ['a feed that ends earlier', { lastSeq: 1 }, [history], 'ends at 1, and the revocation journal at 2'],
  ['an earlier timeline', { timeline: 0 }, [history], 'timeline is earlier'],
  ['another change at a place', { firstOther: 2 }, [history], 'another change at 2'],
  ['a history that it does not have', { historyId: other }, [other], 'a history that the database does not'],
])('%s contradicts the journal', async (_what, found, histories, reason) => {
  const directory = await newDirectory();
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1), changeAt(2)], 2);
  await writer.reach(2);
  const position = {
    historyId: history,
    lastSeq: 2,
    timeline: 1,
    heldReason: null,
    server: 'one',
    firstOther: undefined,
    ...found,
  };
  const journal = new RevocationJournal({
    stores: [new JournalDirectory(directory)],
    readPosition: async () => ({ historyId: history, lastSeq: 0 }),
    listChangesAfter: async () => [],
    findFirstOtherChange: async () => position.firstOther,
    onFault: () => undefined,
  });
  expect(await (await journal.read())(position, histories)).toContain(reason);
});

test('without a contradiction it goes on, and takes in what others changed meanwhile', async () => {
  const directory = await newDirectory();
  await mkdir(directory, { recursive: true });
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1)], 1);
  await writer.reach(1);
  const feed = [changeAt(1), changeAt(2), changeAt(3)];
  const journal = new RevocationJournal({
    stores: [new JournalDirectory(directory)],
    readPosition: async () => ({ historyId: history, lastSeq: 0 }),
    listChangesAfter: async (seq) => feed.filter((change) => change.seq > seq),
    findFirstOtherChange: async () => undefined,
    onFault: () => undefined,
  });
  atEnd(() => journal.close());
  const position = { historyId: history, lastSeq: 3, timeline: 1, server: 'one', heldReason: null };
  expect(await (await journal.read())(position, [history])).toBeUndefined();
  await journal.reach(3);
  expect((await readAll(directory)).seqs.toSorted()).toEqual([1, 2, 3]);
});

test('a change that another process makes and keeps while this one begins is no contradiction', async () => {
  const directory = await newDirectory();
  const { writer: neighbour } = newWriter(directory);
  neighbour.apply([changeAt(1)], 1);
  await neighbour.reach(1);
  const journal = new RevocationJournal({
    stores: [new JournalDirectory(directory)],
    readPosition: async () => ({ historyId: history, lastSeq: 0 }),
    listChangesAfter: async () => [],
    findFirstOtherChange: async () => undefined,
    onFault: () => undefined,
  });
  const held: string[] = [];
  const begun = new DatabaseHistory({
    readPosition: async () => {
      const position = { historyId: history, lastSeq: 1, timeline: 1, server: 'one', heldReason: null };
      neighbour.apply([changeAt(2)], 2);
      await neighbour.reach(2);
      return position;
    },
    listHistories: async () => [history],
    hold: async (reason) => void held.push(reason),
    readJournal: () => journal.read(),
    onHeld: () => undefined,
    onServer: () => undefined,
  });
  await begun.begin();
  expect(held).toEqual([]);
});

test('what could not be written of an earlier history does not get into the file of another', async () => {
  const parent = await newDirectory();
  const directory = join(parent, 'journal');
  await writeFile(directory, '');
  const { writer } = newWriter(directory);
  writer.apply([changeAt(1)], 1);
  await expect(writer.reach(1)).rejects.toThrow();
  writer.begin({ historyId: other, timeline: 2 }, 1_000);
  await rm(directory);
  writer.apply([changeAt(1_001)], 1_001);
  await writer.reach(1_001);
  expect(await readAll(directory, [history, other])).toEqual({ seqs: [1_001], damaged: [] });
});
