import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FingerprintTable, fingerprintOf } from '../../src/verify/fingerprint-table.ts';

/** Some end in the same slot of a small table, and `a` and `b` differ only in their last byte. */
const fingerprints = [
  ...Array.from({ length: 12 }, (_, index) => fingerprintOf(`key ${index}`)),
  `${'\0'.repeat(31)}a`,
  `${'\0'.repeat(31)}b`,
  `\u00ff${'\0'.repeat(31)}`,
];

test('a fingerprint has a character for each byte of the SHA-256', () => {
  expect(Buffer.from(fingerprintOf('abc'), 'latin1').toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

test('whatever is set, deleted and cleared, it is a map that forgets what came first', () => {
  const fingerprint = fc.constantFrom(...fingerprints);
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), fingerprint }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), fingerprint }) },
      { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
    ),
    { maxLength: 120 },
  );
  const property = fc.property(steps, fc.integer({ min: 0, max: 9 }), (sequence, room) => {
    const table = new FingerprintTable<number>(room);
    const newest: Array<{ fingerprint: string; value: number; place: number }> = [];
    let places = 0;
    for (const [value, step] of sequence.entries()) {
      if (step.do === 'clear') {
        table.clear();
        newest.length = 0;
        continue;
      }
      const known = newest.findIndex((one) => one.fingerprint === step.fingerprint);
      if (known >= 0) newest.splice(known, 1);
      if (step.do === 'delete') {
        table.delete(step.fingerprint);
      } else {
        table.set(step.fingerprint, value);
        // A place that was given up stays empty until its turn comes round again.
        newest.push({ fingerprint: step.fingerprint, value, place: places++ });
        const gone = newest.findIndex(({ place }) => place <= places - 1 - room);
        if (gone >= 0) newest.splice(gone, 1);
      }
      expect(table.size).toBe(newest.length);
      for (const known of fingerprints) {
        expect(table.get(known)).toBe(newest.find((one) => one.fingerprint === known)?.value);
      }
    }
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('a hundred thousand go round a table of a thousand, and the last thousand are in it', () => {
  const table = new FingerprintTable<number>(1_000);
  const all = Array.from({ length: 100_000 }, (_, index) => fingerprintOf(String(index)));
  for (const [index, fingerprint] of all.entries()) table.set(fingerprint, index);
  expect(table.size).toBe(1_000);
  expect(all.map((fingerprint) => table.get(fingerprint)).filter((value) => value !== undefined)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => 99_000 + index),
  );
});
