import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import type { KeyChange } from '../../src/domain/key-change.ts';
import type { Database, Tx } from '../../src/stores/postgres/database.ts';
import {
  deleteKeyChangesOlderThan,
  findCatchUpSeq,
  findLastKeyChangeSeq,
  listKeyChangesAfter,
  listKeyChangesSince,
} from '../../src/stores/postgres/verifiers/change-feed.ts';
import { eventually } from '../support/eventually.ts';
import { append, revisionOf } from '../support/feed.ts';
import { appendKeyChanges } from '../support/finish-change.ts';
import { openStores } from '../support/stores.ts';

const stores = await openStores();
const { db } = stores;
afterAll(() => stores.close());

type Writer = (tx: Tx, changes: readonly KeyChange[]) => Promise<unknown>;

/** A change that is written now and committed when the test says so. */
function openChange(write: Writer, id: string) {
  const written = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const done = db.transaction().execute(async (tx) => {
    await write(tx, [revisionOf(id, 2)]);
    written.resolve();
    await commit.promise;
  });
  return {
    written: written.promise,
    commit: async () => {
      commit.resolve();
      await done;
    },
  };
}

/** Reads like a verifier: what comes after the last seq it has seen. */
function reader(database: Database, from: number) {
  const heard: string[] = [];
  let last = from;
  return {
    heard,
    read: async () => {
      const changes = await listKeyChangesAfter(database, last, 1_000);
      heard.push(...changes.map(({ subjectId }) => subjectId));
      last = changes.at(-1)?.seq ?? last;
    },
  };
}

async function lockWaiters(): Promise<number> {
  const { rows } = await sql`SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()`.execute(db);
  return rows.length;
}

/** The same without the lock. */
const appendWithoutLock: Writer = (tx, changes) =>
  tx
    .insertInto('key_changes')
    .values(
      changes.map((change) => ({
        kind: change.kind,
        subject_id: change.subjectId,
        revision: change.revision,
      })),
    )
    .execute();

/**
 * Two transactions write one after the other and commit the other way round; a reader looks after
 * each commit.
 */
async function writeAcross(write: Writer): Promise<string[]> {
  const verifier = reader(db, await findLastKeyChangeSeq(db));
  const first = openChange(write, 'flk_first');
  await first.written;
  const second = openChange(write, 'flk_second');
  await Promise.race([second.commit(), eventually(10_000, lockWaiters, (count) => count > 0)]);
  await verifier.read();
  await first.commit();
  await second.commit();
  await verifier.read();
  return verifier.heard;
}

describe('seq order is commit order', () => {
  test('a reader of "after the last seq" misses no change, however the transactions overlap', async () => {
    expect(await writeAcross(appendKeyChanges)).toEqual(['flk_first', 'flk_second']);
  });

  test('control: without the lock the change that commits late is lost for ever', async () => {
    expect(await writeAcross(appendWithoutLock)).toEqual(['flk_second']);
  });

  test('under forty writers at once a reader hears of each change exactly once', async () => {
    const verifier = reader(db, await findLastKeyChangeSeq(db));
    const ids = Array.from({ length: 40 }, (_, index) => `flk_writer_${index}`);
    let isWriting = true;
    const reading = (async () => {
      while (isWriting) await verifier.read();
      await verifier.read();
    })();
    await Promise.all(ids.map((id) => append(db, revisionOf(id, 2))));
    isWriting = false;
    await reading;
    expect([...verifier.heard].sort()).toEqual([...ids].sort());
  });
});

test('nothing to append takes no lock and has no seq', async () => {
  await db.transaction().execute(async (tx) => {
    expect(await appendKeyChanges(tx, [])).toBeUndefined();
    const { rows } =
      await sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`.execute(tx);
    expect(rows).toHaveLength(0);
  });
});

test('several changes of one transaction keep their order, and the last seq is answered', async () => {
  const ids = ['flk_c', 'flk_a', 'flk_b'];
  const before = await findLastKeyChangeSeq(db);
  const seq = await db.transaction().execute((tx) =>
    appendKeyChanges(
      tx,
      ids.map((id) => revisionOf(id, 1)),
    ),
  );
  const changes = await listKeyChangesAfter(db, before, 10);
  expect(changes.map(({ subjectId }) => subjectId)).toEqual(ids);
  expect(changes.at(-1)?.seq).toBe(seq);
  expect(await listKeyChangesAfter(db, before, 2)).toHaveLength(2);
});

test('a change that is rolled back was never there', async () => {
  const before = await findLastKeyChangeSeq(db);
  const undone = db.transaction().execute(async (tx) => {
    await appendKeyChanges(tx, [revisionOf('flk_undone', 2)]);
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  expect(await listKeyChangesAfter(db, before, 10)).toEqual([]);
});

test('what changed within an age is listed, what is older is not, and is dropped when it is told to', async () => {
  const seq = await append(db, revisionOf('flk_aged', 2));
  await sql`UPDATE key_changes SET committed_at = now() - interval '1 hour' WHERE seq = ${seq}`.execute(db);
  const recent = await append(db, revisionOf('flk_recent', 2));
  const seqs = async (ageMs: number) => (await listKeyChangesSince(db, ageMs)).map((change) => change.seq);
  expect(await seqs(7_200_000)).toEqual(expect.arrayContaining([seq, recent]));
  expect(await seqs(1_800_000)).not.toContain(seq);
  expect(await deleteKeyChangesOlderThan(db, 1_800_000)).toBe(1);
  expect(await seqs(7_200_000)).not.toContain(seq);
  expect(await seqs(7_200_000)).toContain(recent);
});

describe('where a starting verifier begins to read', () => {
  const hourMs = 3_600_000;
  const place = (options: Partial<Parameters<typeof findCatchUpSeq>[1]> = {}) =>
    findCatchUpSeq(db, { ageMs: hourMs, changesMax: 1_000_000, ...options });
  const agedBy = (seq: number, hours: number) =>
    sql`UPDATE key_changes SET committed_at = clock_timestamp() - make_interval(hours => ${hours}::int)
      WHERE seq <= ${seq}`.execute(db);

  test('is behind what is old, so that everything after it is there to be read', async () => {
    await db.deleteFrom('key_changes').execute();
    expect(await place()).toBe(0);
    const first = await append(db, revisionOf('flk_place_1', 2));
    expect(await place()).toBe(first - 1);
    const old = await append(db, revisionOf('flk_place_2', 2));
    await agedBy(old, 2);
    expect(await place()).toBe(old);
    await append(db, revisionOf('flk_place_3', 2));
    expect(await place()).toBe(old);
  });

  test('is never further from the end than is read in one go', async () => {
    const last = await append(db, revisionOf('flk_place_4', 2));
    expect(await place({ ageMs: 24 * hourMs, changesMax: 1 })).toBe(last - 1);
    expect(await place({ ageMs: 24 * hourMs, changesMax: 0 })).toBe(last);
  });
});

test('the newest change stays, however old: the feed never goes back', async () => {
  await append(db, revisionOf('flk_newest_1', 2));
  const last = await append(db, revisionOf('flk_newest_2', 2));
  await sql`UPDATE key_changes SET committed_at = clock_timestamp() - interval '1 day'`.execute(db);
  await deleteKeyChangesOlderThan(db, 3_600_000);
  expect(await findLastKeyChangeSeq(db)).toBe(last);
  expect((await listKeyChangesAfter(db, 0, 10)).map(({ seq }) => seq)).toEqual([last]);
});
