import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { AppliedChange } from '../../src/domain/key-change.ts';
import type { Lease } from '../../src/revocation/lease.ts';
import { findLastKeyChangeSeq } from '../../src/stores/postgres/verifiers/change-feed.ts';
import { eventually } from '../support/eventually.ts';
import { append, nameSteps, newLease, recordedFeed, revisionOf } from '../support/feed.ts';
import { openStores } from '../support/stores.ts';

const stores = await openStores();
afterAll(() => stores.close());

const started: Lease[] = [];
afterEach(async () => {
  for (const lease of started.splice(0)) await lease.stop();
});

/** So long a heartbeat that only a hint can cause a read. */
const rarely = { heartbeatMs: 60_000, leaseMs: 900_000 };

async function start(hold: (step: string) => Promise<void> | void = () => undefined) {
  const { seen, around } = nameSteps(hold);
  const feed = recordedFeed();
  const { lease } = newLease(stores.observed(around), feed.sink, { ...rarely, verifierId: 'own' });
  started.push(lease);
  await lease.start();
  seen.length = 0;
  feed.applied.length = 0;
  return { lease, feed, seen };
}

/** Commits a change, as this process would, and says what it was answered. */
async function commit(id: string): Promise<{ previousSeq: number; change: AppliedChange }> {
  const previousSeq = await findLastKeyChangeSeq(stores.db);
  const seq = await append(stores.db, revisionOf(id, 2));
  return { previousSeq, change: { ...revisionOf(id, 2), seq } };
}

const ids = (changes: readonly AppliedChange[]) => changes.map(({ subjectId }) => subjectId);

async function reportedSeq(): Promise<number> {
  const row = await stores.db
    .selectFrom('verifiers')
    .select('applied_seq')
    .where('id', '=', 'own')
    .executeTakeFirstOrThrow();
  return row.applied_seq;
}

const untilReported = (seq: number) => eventually(5_000, reportedSeq, (reported) => reported === seq);

describe('a change of this process', () => {
  test('that follows what was applied is applied at once and reported, and nothing is read', async () => {
    const { lease, feed, seen } = await start();
    const own = await commit('flk_own');
    lease.hear(own);
    expect(ids(feed.applied)).toEqual(['flk_own']);
    await untilReported(own.change.seq);
    expect(seen).toEqual(['say so']);
  });

  test('with another one before it is not applied: the feed is read, in its order', async () => {
    const { lease, feed, seen } = await start();
    await commit('flk_of_another');
    const own = await commit('flk_own');
    lease.hear(own);
    expect(feed.applied).toEqual([]);
    await untilReported(own.change.seq);
    expect(ids(feed.applied)).toEqual(['flk_of_another', 'flk_own']);
    expect(seen).toEqual(['read', 'say so']);
  });

  test('two that are heard in the wrong order are applied in the right one', async () => {
    const { lease, feed } = await start();
    const [first, second] = [await commit('flk_first'), await commit('flk_second')];
    lease.hear(second);
    lease.hear(first);
    await untilReported(second.change.seq);
    expect(ids(feed.applied)).toEqual(['flk_first', 'flk_second']);
  });

  test('that is heard during a read is not applied a second time, nor what is behind it backwards', async () => {
    const answer = Promise.withResolvers<void>();
    const { lease, feed } = await start();
    const { seen: late, around } = nameSteps(() => undefined);
    const held = stores.observed(async (text, run) => {
      const result = await around(text, run);
      if (text.includes('from "key_changes" where "seq" >')) await answer.promise;
      return result;
    });
    const other = recordedFeed();
    const reader = newLease(held, other.sink, { ...rarely, verifierId: 'reader' }).lease;
    started.push(reader);
    const isStarted = reader.start();
    answer.resolve();
    await isStarted;
    other.applied.length = 0;
    late.length = 0;

    const own = await commit('flk_own');
    reader.wake();
    await eventually(
      5_000,
      () => late.includes('read'),
      (isRead) => isRead,
    );
    reader.hear(own);
    const next = await commit('flk_next');
    reader.hear(next);
    lease.hear(own);
    lease.hear(next);
    for (const { applied } of [feed, other]) {
      await eventually(
        5_000,
        () => applied.length,
        (count) => count >= 2,
      );
      expect(ids(applied)).toEqual(['flk_own', 'flk_next']);
    }
  });

  test('extends no lease', async () => {
    const { lease, seen } = await start();
    const own = await commit('flk_own');
    lease.hear(own);
    await untilReported(own.change.seq);
    expect(seen).not.toContain('extend');
  });
});

describe('a notification', () => {
  test('of what was applied already causes no read', async () => {
    const { lease, seen } = await start();
    const own = await commit('flk_own');
    lease.hear(own);
    lease.wake(own.change.seq);
    await untilReported(own.change.seq);
    expect(seen).toEqual(['say so']);
  });

  test('that is made up causes a read at most, and never moves the position', async () => {
    const { lease, feed, seen } = await start();
    lease.wake(Number.MAX_SAFE_INTEGER);
    await eventually(
      5_000,
      () => seen.length,
      (count) => count > 0,
    );
    expect(seen).toEqual(['read']);
    const own = await commit('flk_after_it');
    lease.wake(own.change.seq);
    await untilReported(own.change.seq);
    expect(ids(feed.applied)).toEqual(['flk_after_it']);
  });
});
