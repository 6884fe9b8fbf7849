import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordLifeMs } from '../../src/domain/key-record.ts';
import {
  changesRememberedMax,
  RememberedRevisions,
  revisionMemoryMs,
} from '../../src/revocation/remembered-revisions.ts';
import { nowhere } from '../../src/verify/fingerprint-index.ts';
import { CacheEntry, RecordCache } from '../../src/verify/record-cache.ts';

type Small = { id: string; revision: number };

const newRevisions = (changesMax = changesRememberedMax) =>
  new RememberedRevisions({ retentionMs: revisionMemoryMs, changesMax });

function cacheOf(entriesMax: number) {
  const revisions = newRevisions();
  return { revisions, cache: new RecordCache<Small>(revisions, entriesMax) };
}

test('a revision is remembered for longer than any entry can live', () => {
  expect(revisionMemoryMs).toBeGreaterThan(recordLifeMs);
});

describe('a record', () => {
  const record = { id: 'flk_1', revision: 1 };

  test('is used until its life since its read is over, and a use does not prolong it', () => {
    const { cache } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 0), 0);
    expect(cache.get('f', recordLifeMs - 2)).toBe(record);
    expect(cache.get('f', recordLifeMs - 1)).toBe(record);
    expect(cache.get('f', recordLifeMs)).toBeUndefined();
  });

  test('that is read long ago does not get in', () => {
    const { cache } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 0), recordLifeMs);
    expect(cache.size).toBe(0);
  });

  test('older than the revision remembered neither comes out nor gets in', () => {
    const { cache, revisions } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 0), 0);
    revisions.remember({ subjectId: 'flk_1', revision: 2, seq: 1 }, 0);
    expect(cache.get('f', 1)).toBeUndefined();
    cache.put('f', new CacheEntry(record, 0, 0), 1);
    expect(cache.size).toBe(0);
    cache.put('f', new CacheEntry({ id: 'flk_1', revision: 2 }, 0, 1), 1);
    expect(cache.get('f', 2)).toEqual({ id: 'flk_1', revision: 2 });
  });

  test('that was asked for again and again is refused from the moment that its key has changed', () => {
    const { cache, revisions } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 0), 0);
    for (const other of ['flk_2', 'flk_3', 'flk_4']) {
      expect([cache.get('f', 1), cache.get('f', 1)]).toEqual([record, record]);
      revisions.remember({ subjectId: other, revision: 9, seq: revisions.seq + 1 }, 1);
    }
    expect(cache.get('f', 1)).toBe(record);
    revisions.remember({ subjectId: 'flk_1', revision: 2, seq: 4 }, 1);
    expect(cache.get('f', 1)).toBeUndefined();
  });

  test('that was read before the place from which on changes are known neither comes out nor gets in', () => {
    const { cache, revisions } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 4), 0);
    revisions.reset(5);
    expect(cache.get('f', 1)).toBeUndefined();
    expect(cache.put('f', new CacheEntry(record, 0, 4), 1)).toBe(nowhere);
    expect(cache.put('f', new CacheEntry(record, 0, 5), 1)).not.toBe(nowhere);
  });

  test('that is in use stays so however much is forgotten, and one that was not looked at does not', () => {
    const revisions = newRevisions(2);
    const cache = new RecordCache<Small>(revisions, 10);
    for (const name of ['used', 'unused'])
      cache.put(name, new CacheEntry({ id: name, revision: 1 }, 0, 0), 0);
    for (let seq = 1; seq <= 9; seq++) {
      revisions.remember({ subjectId: `flk_${seq}`, revision: 2, seq }, 0);
      expect(cache.get('used', 1)).toBeDefined();
    }
    expect(cache.get('unused', 1)).toBeUndefined();
  });

  test('that may not be used is thrown out when it is asked for', () => {
    const { cache } = cacheOf(10);
    cache.put('f', new CacheEntry(record, 0, 0), 0);
    cache.get('f', recordLifeMs);
    expect(cache.size).toBe(0);
  });
});

describe('a full cache', () => {
  const entry = (id: string) => new CacheEntry({ id, revision: 1 }, 0, 0);

  test('throws out what came first', () => {
    const { cache } = cacheOf(2);
    cache.put('a', entry('a'), 0);
    cache.put('b', entry('b'), 0);
    cache.put('a', entry('a'), 1);
    cache.put('c', entry('c'), 1);
    expect(['a', 'b', 'c'].map((name) => cache.get(name, 2)?.id)).toEqual(['a', undefined, 'c']);
  });

  test('with room for nothing holds nothing', () => {
    const { cache } = cacheOf(0);
    cache.put('a', entry('a'), 0);
    expect(cache.get('a', 0)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test('that was emptied answers nothing', () => {
    const { cache } = cacheOf(2);
    cache.put('a', entry('a'), 0);
    cache.clear();
    expect(cache.get('a', 0)).toBeUndefined();
  });
});

describe('whatever is put, remembered and asked, in any order and at any time', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const revision = fc.integer({ min: 1, max: 5 });
  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('put' as const), id: ids, revision, ageMs: fc.nat(recordLifeMs + 1_000) }),
      fc.record({ do: fc.constant('remember' as const), id: ids, revision }),
      fc.record({ do: fc.constant('get' as const), id: ids }),
      fc.record({ do: fc.constant('wait' as const), forMs: fc.nat(recordLifeMs) }),
    ),
    { minLength: 5, maxLength: 80 },
  );

  test('no answer is older than the newest revision heard of, or read longer ago than a life, and few are kept', () => {
    const property = fc.property(steps, fc.integer({ min: 1, max: 4 }), (sequence, entriesMax) => {
      const revisions = newRevisions();
      const cache = new RecordCache<Small & { readAtMs: number }>(revisions, entriesMax);
      const heard: Array<{ id: string; revision: number; atMs: number }> = [];
      let nowMs = 1_000_000;
      for (const step of sequence) {
        if (step.do === 'wait') nowMs += step.forMs;
        if (step.do === 'remember') {
          const change = { subjectId: step.id, revision: step.revision, seq: revisions.seq + 1 };
          revisions.remember(change, nowMs);
          heard.push({ ...step, atMs: nowMs });
        }
        if (step.do === 'put') {
          const record = { id: step.id, revision: step.revision, readAtMs: nowMs - step.ageMs };
          cache.put(step.id, new CacheEntry(record, record.readAtMs, revisions.seq), nowMs);
        }
        expect(cache.size).toBeLessThanOrEqual(entriesMax);
        const answer = step.do === 'get' ? cache.get(step.id, nowMs) : undefined;
        if (answer === undefined) continue;
        expect(nowMs - answer.readAtMs).toBeLessThan(recordLifeMs);
        const recent = heard.filter(({ id, atMs }) => id === answer.id && nowMs - atMs < revisionMemoryMs);
        for (const { revision } of recent) expect(answer.revision).toBeGreaterThanOrEqual(revision);
      }
    });
    fc.assert(property, { numRuns: 1_000 });
  });
});
