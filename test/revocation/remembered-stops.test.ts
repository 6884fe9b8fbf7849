import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyRecord } from '../../src/domain/key-record.ts';
import { type KeyStop, minterTag, stopKinds, toKeyStop, toStopChange } from '../../src/domain/key-stop.ts';
import { RefusedOrganizations } from '../../src/revocation/refused-organizations.ts';
import { RememberedRevisions } from '../../src/revocation/remembered-revisions.ts';
import { VerifierMemory } from '../../src/revocation/verifier-memory.ts';
import { KeyMemory } from '../../src/verify/key-memory.ts';
import { CacheEntry } from '../../src/verify/record-cache.ts';
import { keyRecord } from '../support/key-record.ts';

const stopOf = (changed: Partial<KeyStop> = {}): KeyStop => ({
  kind: 'user',
  subject: 'user_1',
  mintNumberBelow: 10,
  createdBefore: null,
  ...changed,
});

/** A verifier that has applied the feed up to 5, and a memory of records. */
function verifier(bounds = { retentionMs: 1_000, changesMax: 3 }) {
  const revisions = new RememberedRevisions(bounds);
  const refusedOrganizations = new RefusedOrganizations();
  const memory = new KeyMemory({ revisions, refusedOrganizations, recordsMax: 10 });
  const sink = new VerifierMemory({ revisions, refusedOrganizations, caches: [memory] });
  sink.reset(5, []);
  const put = (record: KeyRecord, asOfSeq: number) =>
    memory.put('a key', new CacheEntry(record, 0, asOfSeq), 0);
  const status = () => {
    const place = memory.placeOf('a key', 0);
    return place < 0 ? undefined : memory.entryAt(place).record.status;
  };
  return { revisions, memory, sink, put, status };
}

const applied = (stop: KeyStop, seq: number) => [{ ...toStopChange(stop), seq }];

describe('an entry of the feed', () => {
  test('says the whole stop', () => {
    for (const kind of stopKinds) {
      for (const createdBefore of [null, new Date('2026-11-28T03:00:00.123Z')]) {
        const stop = stopOf({ kind, createdBefore });
        expect(toKeyStop(toStopChange(stop))).toEqual(stop);
      }
    }
  });

  test('of another kind is no stop', () => {
    expect(
      toKeyStop({ kind: 'organization', subjectId: 'org_1', revision: 2, status: 'suspended' }),
    ).toBeUndefined();
  });
});

describe('a record', () => {
  const covered = keyRecord({ mintNumber: 9, minter: minterTag('flm_1') });

  test.each([
    ['of the user', stopOf()],
    ['of the organization', stopOf({ kind: 'organization', subject: 'org_1' })],
    ['minted by the master key', stopOf({ kind: 'minted_by', subject: 'flm_1' })],
    ['created before the time', stopOf({ createdBefore: new Date(1) })],
  ])('%s is revoked in memory, without a look-up', (_name, stop) => {
    const { sink, put, status, memory } = verifier();
    expect(put(covered, 5)).toBe(true);
    sink.apply(applied(stop, 6), 6);
    expect(status()).toBe('revoked');
    expect(memory.plainYes(memory.placeOf('a key', 0), 0)).toBeUndefined();
  });

  test.each([
    ['of another user', stopOf({ subject: 'user_2' })],
    ['of another kind of subject with that id', stopOf({ kind: 'organization', subject: 'user_1' })],
    ['minted by another', stopOf({ kind: 'minted_by', subject: 'flm_2' })],
    ['minted afterwards', stopOf({ mintNumberBelow: 9 })],
    ['created at the time or later', stopOf({ createdBefore: new Date(0) })],
  ])('%s stays', (_name, stop) => {
    const { sink, put, status } = verifier();
    put(covered, 5);
    sink.apply(applied(stop, 6), 6);
    expect(status()).toBe('active');
  });

  test('that was read at the place of the stop or later is what Postgres says', () => {
    const { sink, put, status } = verifier();
    sink.apply(applied(stopOf(), 6), 6);
    put(covered, 6);
    expect(status()).toBe('active');
  });

  test('that comes late, from before the stop, is revoked where it enters', () => {
    const { sink, put, status } = verifier();
    sink.apply(applied(stopOf(), 6), 6);
    put(covered, 5);
    expect(status()).toBe('revoked');
  });

  test('from before a stop that is forgotten is not used', () => {
    const { sink, put, status } = verifier();
    sink.apply(applied(stopOf(), 6), 6);
    for (let seq = 7; seq <= 9; seq++)
      sink.apply([{ kind: 'key', subjectId: `flk_${seq}`, revision: 2, status: null, seq }], seq);
    expect(put(covered, 5)).toBe(false);
    expect(put(covered, 6)).toBe(true);
    expect(status()).toBe('active');
  });

  test('without a minter is read again after a stop of a master key', () => {
    const { sink, put, status } = verifier();
    put(keyRecord({ minter: null }), 5);
    sink.apply(applied(stopOf({ kind: 'minted_by', subject: 'flm_1' }), 6), 6);
    expect(status()).toBeUndefined();
    expect(put(keyRecord({ minter: null }), 6)).toBe(true);
    expect(status()).toBe('active');
  });

  test('is read again after a stop that is not named', () => {
    const { sink, put, status } = verifier();
    put(covered, 5);
    sink.apply([{ kind: 'stop_unnamed', subjectId: '', revision: 0, status: null, seq: 6 }], 6);
    expect(status()).toBeUndefined();
  });

  test('that is revoked so has its calls counted up to then', () => {
    const { sink, put, status, memory } = verifier();
    put(covered, 5);
    memory.count(memory.placeOf('a key', 0), 1, 0);
    sink.apply(applied(stopOf(), 6), 6);
    expect(status()).toBe('revoked');
    expect(memory.takeCounts(10)).toMatchObject([{ lineageId: covered.lineageId, calls: 1 }]);
  });
});

const covers = (stop: { subject: string; below: number }, userId: string, mintNumber: number) =>
  stop.subject === userId && mintNumber < stop.below;

test('any order of stops, records and forgetting: no covered record from before a stop is accepted', () => {
  const subject = fc.constantFrom('user_1', 'user_2');
  const step = fc.oneof(
    fc.record({ stop: subject, below: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ put: subject, mintNumber: fc.integer({ min: 1, max: 6 }), age: fc.nat(8) }),
    fc.record({ other: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { sink, memory, revisions } = verifier();
      const stops: { seq: number; subject: string; below: number }[] = [];
      let read: { subject: string; mintNumber: number; asOfSeq: number } | undefined;
      for (const each of steps) {
        const seq = revisions.seq + 1;
        if ('stop' in each) {
          stops.push({ seq, subject: each.stop, below: each.below });
          sink.apply(applied(stopOf({ subject: each.stop, mintNumberBelow: each.below }), seq), seq);
        } else if ('put' in each) {
          read = {
            subject: each.put,
            mintNumber: each.mintNumber,
            asOfSeq: Math.max(0, revisions.seq - each.age),
          };
          // Postgres has the stops before the place of a read in the record.
          const { asOfSeq } = read;
          const isEnded = stops.some(
            (stop) => stop.seq <= asOfSeq && covers(stop, each.put, each.mintNumber),
          );
          const status = isEnded ? 'revoked' : 'active';
          const record = keyRecord({ userId: each.put, mintNumber: each.mintNumber, status });
          memory.put('a key', new CacheEntry(record, 0, read.asOfSeq), 0);
        } else sink.apply([{ kind: 'key', subjectId: `flk_${seq}`, revision: 2, status: null, seq }], seq);
        const place = memory.placeOf('a key', 0);
        if (place < 0 || read === undefined) continue;
        const { record } = memory.entryAt(place);
        const known = read;
        const isCovered = stops.some((stop) => covers(stop, record.userId, record.mintNumber));
        if (record.userId === known.subject && record.mintNumber === known.mintNumber)
          expect(record.status === 'revoked').toBe(isCovered);
      }
    }),
    { numRuns: 500 },
  );
});
