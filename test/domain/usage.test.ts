import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endOfPeriod, minuteMs, startOfMinuteMs, startOfPeriod } from '../../src/domain/usage.ts';

const dayMs = 86_400_000;

describe('a day', () => {
  test.each([
    ['2025-06-15T23:59:59.999Z', '2025-06-15', '2025-06-16'],
    ['2025-06-16T00:00:00.000Z', '2025-06-16', '2025-06-17'],
    ['2024-02-28T23:59:59.999Z', '2024-02-28', '2024-02-29'],
    ['2024-02-29T12:00:00.000Z', '2024-02-29', '2024-03-01'],
    ['2025-02-28T23:59:59.999Z', '2025-02-28', '2025-03-01'],
    ['2025-12-31T23:59:59.999Z', '2025-12-31', '2026-01-01'],
    ['2026-01-01T00:00:00.000Z', '2026-01-01', '2026-01-02'],
  ])('that contains %s is [%s, %s)', (at, start, end) => {
    expect(startOfPeriod('day', new Date(at)).toISOString()).toBe(`${start}T00:00:00.000Z`);
    expect(endOfPeriod('day', new Date(at)).toISOString()).toBe(`${end}T00:00:00.000Z`);
  });
});

describe('a month', () => {
  test.each([
    ['2025-01-31T23:59:59.999Z', '2025-01-01', '2025-02-01'],
    ['2025-02-01T00:00:00.000Z', '2025-02-01', '2025-03-01'],
    ['2025-02-28T23:59:59.999Z', '2025-02-01', '2025-03-01'],
    ['2024-02-29T23:59:59.999Z', '2024-02-01', '2024-03-01'],
    ['2100-02-28T23:59:59.999Z', '2100-02-01', '2100-03-01'],
    ['2000-02-29T00:00:00.000Z', '2000-02-01', '2000-03-01'],
    ['2025-04-30T23:59:59.999Z', '2025-04-01', '2025-05-01'],
    ['2025-12-31T23:59:59.999Z', '2025-12-01', '2026-01-01'],
  ])('that contains %s is [%s, %s)', (at, start, end) => {
    expect(startOfPeriod('month', new Date(at)).toISOString()).toBe(`${start}T00:00:00.000Z`);
    expect(endOfPeriod('month', new Date(at)).toISOString()).toBe(`${end}T00:00:00.000Z`);
  });
});

const times = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true });

test('every day has 24 hours, those on which clocks are put forward or back elsewhere included', () => {
  fc.assert(
    fc.property(times, (at) => {
      const start = startOfPeriod('day', at).getTime();
      expect(start % dayMs).toBe(0);
      expect(endOfPeriod('day', at).getTime()).toBe(start + dayMs);
    }),
  );
});

test('periods follow one another without gap or overlap', () => {
  fc.assert(
    fc.property(fc.constantFrom('day' as const, 'month' as const), times, (period, at) => {
      const [start, end] = [startOfPeriod(period, at), endOfPeriod(period, at)];
      expect(start <= at && at < end).toBe(true);
      expect(startOfPeriod(period, end)).toEqual(end);
      expect(endOfPeriod(period, new Date(end.getTime() - 1))).toEqual(end);
      expect(endOfPeriod(period, new Date(start.getTime() - 1))).toEqual(start);
    }),
  );
});

test('a minute contains its first and its last millisecond and no other minute', () => {
  const start = Date.parse('2025-06-15T23:59:00.000Z');
  expect(startOfMinuteMs(start)).toBe(start);
  expect(startOfMinuteMs(start + 59_999)).toBe(start);
  expect(startOfMinuteMs(start + minuteMs)).toBe(Date.parse('2025-06-16T00:00:00.000Z'));
});
