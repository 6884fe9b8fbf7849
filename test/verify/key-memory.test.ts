import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyRecord, recordLifeMs } from '../../src/domain/key-record.ts';
import { minuteMs, startOfMinuteMs, type UsageMark } from '../../src/domain/usage.ts';
import { isAccepted } from '../../src/domain/verdict.ts';
import { RefusedOrganizations } from '../../src/revocation/refused-organizations.ts';
import { decide } from '../../src/verify/decide.ts';
import { nowhere } from '../../src/verify/fingerprint-index.ts';
import { asksNothing, KeyMemory, plainAnswer } from '../../src/verify/key-memory.ts';
import { CacheEntry } from '../../src/verify/record-cache.ts';
import { keyRecord } from '../support/key-record.ts';
import { newRevisions } from '../support/verifier.ts';
import { nowMs, randomCalls, randomRecords } from './random-decisions.ts';

function memoryOf(recordsMax = 10) {
  const [revisions, refusedOrganizations] = [newRevisions(), new RefusedOrganizations()];
  const memory = new KeyMemory({ revisions, refusedOrganizations, recordsMax });
  const remember = (key: string, record: KeyRecord, atMs = 0) =>
    memory.put(key, new CacheEntry(record, atMs, revisions.seq), atMs);
  /** The yes of memory at this moment, and whether it has the record. */
  const ask = (key: string, atMs = nowMs, monotonicMs = 0) => {
    const place = memory.placeOf(key, monotonicMs);
    return place === nowhere ? 'unknown' : (memory.plainYes(place, atMs)?.code ?? 'to be decided');
  };
  const count = (key: string, cost = 1, atMs = nowMs) => memory.count(memory.placeOf(key, 0), cost, atMs);
  return { memory, revisions, refusedOrganizations, remember, ask, count };
}

const linesOf = (marks: readonly UsageMark[]) =>
  marks.map(({ lineageId, code, calls, cost }) => [lineageId, code, calls, cost]);

describe('a plain yes', () => {
  test('is what is decided of the same request from the record, at every moment', () => {
    const moments = fc.constantFrom(nowMs - 60_000, nowMs - 1, nowMs, nowMs + 1, nowMs + 60_000);
    const property = fc.property(
      randomRecords,
      randomCalls,
      moments,
      fc.boolean(),
      (record, call, atMs, active) => {
        const { memory, refusedOrganizations, remember } = memoryOf();
        if (!active) refusedOrganizations.apply(record.organizationId, 'suspended');
        remember('key', record);
        const yes = asksNothing(call) ? memory.plainYes(memory.placeOf('key', 0), atMs) : undefined;
        const decided = decide(record, call, { nowMs: atMs, organizationActive: active });
        if (yes !== undefined) expect(yes).toMatchObject({ code: decided, key_id: record.id });
        // Nearly every yes is a plain one: otherwise the way past the record serves nobody.
        else if (asksNothing(call) && record.ipAllowlist === null) expect(isAccepted(decided)).toBe(false);
      },
    );
    fc.assert(property, { numRuns: 3_000 });
  });

  test.each([
    ['a rate limit', { rateLimit: { limit: 1, window_seconds: 1 } }],
    ['a quota', { quota: { limit: 1, period: 'day' as const } }],
    ['an address list', { ipAllowlist: ['10.0.0.0/8'] }],
  ])('is not given for a key with %s', (_what, changed) => {
    expect(plainAnswer(keyRecord())).toEqual({ code: 'VALID', untilMs: Infinity });
    expect(plainAnswer(keyRecord(changed))).toBeUndefined();
  });

  test('ends at the moment at which its key ends', () => {
    const { remember, ask } = memoryOf();
    remember('key', keyRecord({ expiresAtMs: nowMs }));
    expect([ask('key', nowMs - 1), ask('key', nowMs)]).toEqual(['VALID', 'to be decided']);
  });

  test('ends when the organization is suspended, and returns with it', () => {
    const { remember, ask, refusedOrganizations } = memoryOf();
    remember('key', keyRecord({ organizationId: 'org_9' }));
    refusedOrganizations.apply('org_9', 'suspended');
    expect(ask('key')).toBe('to be decided');
    refusedOrganizations.apply('org_9', 'active');
    expect(ask('key')).toBe('VALID');
  });

  test('ends with a newer revision of the key, with the life of its record, and when memory is emptied', () => {
    const { memory, revisions, remember, ask } = memoryOf();
    remember('key', keyRecord({ id: 'flk_9' }));
    expect([ask('key'), ask('key', nowMs, recordLifeMs - 1)]).toEqual(['VALID', 'VALID']);
    expect(ask('key', nowMs, recordLifeMs)).toBe('unknown');
    remember('key', keyRecord({ id: 'flk_9' }));
    revisions.remember({ subjectId: 'flk_9', revision: 2, seq: 1 }, 0);
    expect(ask('key')).toBe('unknown');
    remember('key', keyRecord({ id: 'flk_9', revision: 2 }));
    memory.clear();
    expect(ask('key')).toBe('unknown');
  });
});

describe('counts beside records', () => {
  test('are one line for a key and a minute, with its first and last time', () => {
    const { memory, remember, count } = memoryOf();
    remember('key', keyRecord({ lineageId: 'flk_7' }));
    const startMs = startOfMinuteMs(nowMs);
    for (const [cost, afterMs] of [
      [1, 500.9],
      [2, 59_999],
      [1_000_000, 0],
    ] as const) {
      count('key', cost, startMs + afterMs);
    }
    expect(memory.takeCounts(10)).toEqual([
      {
        lineageId: 'flk_7',
        code: 'VALID',
        minuteMs: startMs,
        calls: 3,
        cost: 1_000_003,
        firstAtMs: startMs,
        lastAtMs: startMs + 59_999,
      },
    ]);
    expect([memory.isCounting, memory.takeCounts(10)]).toEqual([false, []]);
  });

  test('of another minute are another line, whichever comes first', () => {
    const { memory, remember, count } = memoryOf();
    remember('key', keyRecord());
    for (const minutes of [0, 1, 0, 0]) count('key', 1, nowMs + minutes * minuteMs);
    const counted = memory
      .takeCounts(10)
      .map(({ minuteMs: startMs, calls }) => [startMs - startOfMinuteMs(nowMs), calls]);
    expect(counted).toEqual([
      [0, 1],
      [minuteMs, 1],
      [0, 2],
    ]);
  });

  test('outlive their record, whatever took its place', () => {
    const { memory, revisions, remember, count } = memoryOf(2);
    const put = (name: string) => remember(name, keyRecord({ id: name, lineageId: name }));
    for (const name of ['evicted', 'refilled']) {
      put(name);
      count(name);
    }
    put('refilled');
    put('revoked');
    count('revoked', 2);
    revisions.remember({ subjectId: 'revoked', revision: 2, seq: 1 }, 0);
    expect(memory.placeOf('revoked', 0)).toBe(nowhere);
    put('emptied');
    count('emptied', 3);
    memory.clear();
    for (const name of ['later', 'latest']) {
      put(name);
      count(name, 4);
    }
    expect(linesOf(memory.takeCounts(10)).sort()).toEqual([
      ['emptied', 'VALID', 1, 3],
      ['evicted', 'VALID', 1, 1],
      ['later', 'VALID', 1, 4],
      ['latest', 'VALID', 1, 4],
      ['refilled', 'VALID', 1, 1],
      ['revoked', 'VALID', 1, 2],
    ]);
  });

  test('that come while a round is under way wait for the next one', () => {
    const { memory, remember, count } = memoryOf(96);
    for (let place = 0; place < 96; place++) remember(`${place}`, keyRecord({ lineageId: `${place}` }));
    for (const name of ['0', '32', '64']) count(name);
    const taken = Array.from({ length: 5 }, () => {
      const lines = memory.takeCounts(1).map(({ lineageId }) => lineageId);
      count('0');
      return lines;
    });
    expect(taken).toEqual([['0'], ['32'], ['64'], [], ['0']]);
  });

  test('are taken in rounds: each call is in one of them, and none waits for a second', () => {
    const names = Array.from({ length: 200 }, (_, index) => `flk_${index}`);
    const steps = fc.array(
      fc.oneof(
        {
          weight: 8,
          arbitrary: fc.record({ do: fc.constant('count' as const), name: fc.constantFrom(...names) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constant('put' as const), name: fc.constantFrom(...names) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constant('take' as const), max: fc.integer({ min: 1, max: 40 }) }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('clear' as const, 'minute' as const) }) },
      ),
      { maxLength: 400 },
    );
    const property = fc.property(steps, (sequence) => {
      const { memory, remember } = memoryOf(64);
      const [expected, found] = [new Map<string, number>(), new Map<string, number>()];
      const add = (to: Map<string, number>, name: string, calls: number) =>
        to.set(name, (to.get(name) ?? 0) + calls);
      let atMs = nowMs;
      for (const step of sequence) {
        if (step.do === 'put') remember(step.name, keyRecord({ id: step.name, lineageId: step.name }));
        if (step.do === 'clear') memory.clear();
        if (step.do === 'minute') atMs += minuteMs;
        if (step.do === 'count') {
          const place = memory.placeOf(step.name, 0);
          if (place === nowhere) continue;
          memory.count(place, 1, atMs);
          add(expected, step.name, 1);
        }
        if (step.do === 'take') {
          const taken = memory.takeCounts(step.max);
          expect(taken.length).toBeLessThanOrEqual(step.max);
          for (const { lineageId, calls } of taken) add(found, lineageId, calls);
        }
      }
      // The rest of the round under way, and one of its own.
      for (const _round of [1, 2]) {
        for (let isMore = true; isMore; ) {
          const taken = memory.takeCounts(7);
          for (const { lineageId, calls } of taken) add(found, lineageId, calls);
          isMore = taken.length === 7;
        }
      }
      expect(new Map([...found].sort())).toEqual(new Map([...expected].sort()));
      expect(memory.isCounting).toBe(false);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
