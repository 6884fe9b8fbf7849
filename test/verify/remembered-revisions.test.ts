import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RememberedRevisions } from '../../src/verify/remembered-revisions.ts';

const retentionMs = 1_000;

test('an older revision than the one remembered is stale, the same and a newer one are not', () => {
  const revisions = new RememberedRevisions(retentionMs);
  revisions.remember('flk_1', 5, 0);
  expect([4, 5, 6].map((revision) => revisions.isStale({ id: 'flk_1', revision }))).toEqual([
    true,
    false,
    false,
  ]);
  expect(revisions.isStale({ id: 'flk_2', revision: 1 })).toBe(false);
});

test('a revision that arrives late does not push out a newer one', () => {
  const revisions = new RememberedRevisions(retentionMs);
  revisions.remember('flk_1', 5, 0);
  revisions.remember('flk_1', 3, 1);
  expect(revisions.isStale({ id: 'flk_1', revision: 4 })).toBe(true);
});

test('after it was emptied nothing is stale', () => {
  const revisions = new RememberedRevisions(retentionMs);
  revisions.remember('flk_1', 5, 0);
  revisions.clear();
  expect(revisions.isStale({ id: 'flk_1', revision: 1 })).toBe(false);
});

test('in any order of hearing, nothing heard within the retention is forgotten, and memory stays bounded', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd');
  const heard = fc.array(
    fc.record({ id: ids, revision: fc.integer({ min: 1, max: 9 }), afterMs: fc.nat(400) }),
  );
  fc.assert(
    fc.property(heard, (events) => {
      const revisions = new RememberedRevisions(retentionMs);
      const log: Array<{ id: string; revision: number; atMs: number }> = [];
      let nowMs = 0;
      for (const { id, revision, afterMs } of events) {
        nowMs += afterMs;
        revisions.remember(id, revision, nowMs);
        log.push({ id, revision, atMs: nowMs });
        for (const recent of log.filter(({ atMs }) => nowMs - atMs < retentionMs)) {
          expect(revisions.isStale({ id: recent.id, revision: recent.revision - 1 })).toBe(true);
        }
        expect(revisions.isStale({ id, revision: 10 })).toBe(false);
      }
    }),
  );
});

test('what was heard longer ago than the retention is forgotten as soon as something new is heard', () => {
  const revisions = new RememberedRevisions(retentionMs);
  revisions.remember('flk_1', 5, 0);
  revisions.remember('flk_2', 2, retentionMs - 1);
  expect(revisions.isStale({ id: 'flk_1', revision: 1 })).toBe(true);
  revisions.remember('flk_3', 2, retentionMs);
  expect(revisions.isStale({ id: 'flk_1', revision: 1 })).toBe(false);
  expect(revisions.isStale({ id: 'flk_2', revision: 1 })).toBe(true);
});
