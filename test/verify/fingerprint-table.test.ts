import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FingerprintTable } from '../../src/verify/fingerprint-table.ts';

/** More than a small table has slots, so that some of them share one. */
const secrets = Array.from({ length: 15 }, (_, index) => `key ${index}`);

test('whatever is set, deleted and cleared, it is a map that forgets what came first', () => {
  const secret = fc.constantFrom(...secrets);
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), secret }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), secret }) },
      { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
    ),
    { maxLength: 120 },
  );
  const property = fc.property(steps, fc.integer({ min: 0, max: 9 }), (sequence, room) => {
    const table = new FingerprintTable<number>(room);
    const newest: Array<{ secret: string; value: number; place: number }> = [];
    let places = 0;
    for (const [value, step] of sequence.entries()) {
      if (step.do === 'clear') {
        table.clear();
        newest.length = 0;
        continue;
      }
      const known = newest.findIndex((one) => one.secret === step.secret);
      if (known >= 0) newest.splice(known, 1);
      if (step.do === 'delete') {
        table.delete(step.secret);
      } else {
        table.set(step.secret, value);
        // A place that was given up stays empty until its turn comes round again.
        newest.push({ secret: step.secret, value, place: places++ });
        const gone = newest.findIndex(({ place }) => place <= places - 1 - room);
        if (gone >= 0) newest.splice(gone, 1);
      }
      expect(table.size).toBe(newest.length);
      for (const known of secrets) {
        expect(table.get(known)).toBe(newest.find((one) => one.secret === known)?.value);
      }
    }
  });
  fc.assert(property, { numRuns: 2_000 });
});

test('a hundred thousand go round a table of a thousand, and the last thousand are in it', () => {
  const table = new FingerprintTable<number>(1_000);
  const all = Array.from({ length: 100_000 }, (_, index) => String(index));
  for (const [index, secret] of all.entries()) table.set(secret, index);
  expect(table.size).toBe(1_000);
  expect(all.map((secret) => table.get(secret)).filter((value) => value !== undefined)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => 99_000 + index),
  );
});
