import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RememberedRevisions } from '../../src/revocation/remembered-revisions.ts';

const retentionMs = 1_000;

const newRevisions = (changesMax = 100) => new RememberedRevisions({ retentionMs, changesMax });

/** Of one key, at the next place of the feed. */
function heard(revisions: RememberedRevisions, subjectId: string, revision: number, nowMs: number) {
  revisions.remember({ subjectId, revision, seq: revisions.seq + 1 }, nowMs);
}

test('an older revision than the one remembered is stale, the same and a newer one are not', () => {
  const revisions = newRevisions();
  heard(revisions, 'flk_1', 5, 0);
  expect([4, 5, 6].map((revision) => revisions.isStale({ id: 'flk_1', revision }))).toEqual([
    true,
    false,
    false,
  ]);
  expect(revisions.isStale({ id: 'flk_2', revision: 1 })).toBe(false);
});

test('a revision that arrives late does not push out a newer one', () => {
  const revisions = newRevisions();
  heard(revisions, 'flk_1', 5, 0);
  heard(revisions, 'flk_1', 3, 1);
  expect(revisions.isStale({ id: 'flk_1', revision: 4 })).toBe(true);
});

test('after a start anew nothing is stale, and nothing that was read before its place is current', () => {
  const revisions = newRevisions();
  heard(revisions, 'flk_1', 5, 0);
  revisions.reset(50);
  const record = { id: 'flk_1', revision: 1 };
  expect(revisions.isStale(record)).toBe(false);
  expect([49, 50].map((asOfSeq) => revisions.isCurrent({ record, asOfSeq }))).toEqual([false, true]);
});

test('the version grows with each change, each start anew, and each place that is reached', () => {
  const revisions = newRevisions();
  const versions = [revisions.version];
  const steps = [
    () => heard(revisions, 'flk_1', 2, 0),
    () => heard(revisions, 'flk_1', 2, 0),
    () => revisions.advance(10),
    () => revisions.reset(10),
  ];
  for (const step of steps) {
    step();
    versions.push(revisions.version);
  }
  expect(new Set(versions).size).toBe(versions.length);
  expect(versions).toEqual([...versions].sort((one, other) => one - other));
  revisions.advance(10);
  expect(revisions.version).toBe(versions.at(-1));
});

test('what was heard longer ago than the retention is forgotten as soon as something new is heard', () => {
  const revisions = newRevisions();
  heard(revisions, 'flk_1', 5, 0);
  heard(revisions, 'flk_2', 2, retentionMs - 1);
  expect(revisions.isStale({ id: 'flk_1', revision: 1 })).toBe(true);
  heard(revisions, 'flk_3', 2, retentionMs);
  expect(revisions.isStale({ id: 'flk_1', revision: 1 })).toBe(false);
  expect(revisions.isStale({ id: 'flk_2', revision: 1 })).toBe(true);
});

describe('whatever is heard, in any order and however little is remembered', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const events = fc.array(fc.record({ id: ids, gap: fc.integer({ min: 1, max: 3 }), afterMs: fc.nat(400) }), {
    maxLength: 60,
  });

  /**
   * The feed, in which each change of a key is its next revision, and what a reader at a place has
   * read.
   */
  function feed() {
    const changes: { seq: number; id: string; revision: number }[] = [];
    const revisionAt = (id: string, seq: number) =>
      changes.filter((change) => change.id === id && change.seq <= seq).at(-1)?.revision ?? 1;
    return { changes, revisionAt };
  }

  test('a record that is current at some place is what the database says at the end of the feed', () => {
    const property = fc.property(events, fc.integer({ min: 1, max: 5 }), (sequence, changesMax) => {
      const revisions = newRevisions(changesMax);
      const { changes, revisionAt } = feed();
      let nowMs = 0;
      for (const { id, gap, afterMs } of sequence) {
        nowMs += afterMs;
        const change = { seq: revisions.seq + gap, id, revision: revisionAt(id, Infinity) + 1 };
        changes.push(change);
        revisions.remember({ ...change, subjectId: id }, nowMs);
        for (let asOfSeq = 0; asOfSeq <= revisions.seq; asOfSeq++) {
          for (const read of ['a', 'b', 'c', 'd', 'e', 'f']) {
            const record = { id: read, revision: revisionAt(read, asOfSeq) };
            if (!revisions.isCurrent({ record, asOfSeq })) continue;
            expect(record.revision).toBe(revisionAt(read, Infinity));
          }
        }
        // Never so forgetful that a read of just now is of no use.
        const record = { id, revision: change.revision };
        expect(revisions.isCurrent({ record, asOfSeq: revisions.seq })).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('nothing heard within the retention is forgotten while there is room', () => {
    const property = fc.property(events, (sequence) => {
      const revisions = newRevisions();
      const log: Array<{ id: string; revision: number; atMs: number }> = [];
      let nowMs = 0;
      for (const { id, gap, afterMs } of sequence) {
        nowMs += afterMs;
        heard(revisions, id, gap, nowMs);
        log.push({ id, revision: gap, atMs: nowMs });
        for (const recent of log.filter(({ atMs }) => nowMs - atMs < retentionMs)) {
          expect(revisions.isStale({ id: recent.id, revision: recent.revision - 1 })).toBe(true);
        }
        expect(revisions.isStale({ id, revision: 10 })).toBe(false);
      }
    });
    fc.assert(property);
  });
});

test('a hundred thousand changes beyond what is remembered take no time to forget', () => {
  const revisions = newRevisions(50_000);
  const startedMs = performance.now();
  for (let count = 0; count < 150_000; count++) heard(revisions, `flk_${count}`, 2, 0);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(revisions.isStale({ id: 'flk_149999', revision: 1 })).toBe(true);
  expect(revisions.isStale({ id: 'flk_99999', revision: 1 })).toBe(false);
  expect([99_999, 100_000].map((seq) => revisions.reaches(seq))).toEqual([false, true]);
});
