/// <reference lib="esnext.temporal" />
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DayMeans, readTime, timeMsMax } from '../../src/domain/read-time.ts';

const isoOf = (text: string, dayMeans: DayMeans = 'start') => readTime(text, dayMeans).time?.toISOString();
const faultOf = (text: string) => readTime(text, 'start').fault;

describe('a time is', () => {
  test.each([
    ['2026-03-12T09:08:07Z', '2026-03-12T09:08:07.000Z'],
    ['2026-03-12t09:08:07z', '2026-03-12T09:08:07.000Z'],
    ['2026-03-12T09:08:07+01:00', '2026-03-12T08:08:07.000Z'],
    ['2026-03-12T09:08:07-05:30', '2026-03-12T14:38:07.000Z'],
    ['2026-03-12T09:08:07-00:00', '2026-03-12T09:08:07.000Z'],
    ['2026-03-12T09:08:07+23:59', '2026-03-11T09:09:07.000Z'],
    ['2026-03-12T09:08:07.1Z', '2026-03-12T09:08:07.100Z'],
    ['2026-03-12T09:08:07.1239999999999999Z', '2026-03-12T09:08:07.123Z'],
    [`2026-03-12T09:08:07.${'9'.repeat(60_000)}Z`, '2026-03-12T09:08:07.999Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:00:00-01:00', '1970-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s', (text, iso) => {
    expect(isoOf(text)).toBe(iso);
    expect(isoOf(text, 'end')).toBe(iso);
  });
});

describe('a bare day is in UTC, and means its first moment or the first of the next day', () => {
  test.each([
    ['2026-03-12', '2026-03-12T00:00:00.000Z', '2026-03-13T00:00:00.000Z'],
    ['2026-12-31', '2026-12-31T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2028-02-28', '2028-02-28T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['1970-01-01', '1970-01-01T00:00:00.000Z', '1970-01-02T00:00:00.000Z'],
    // There is no next day that RFC 3339 could write.
    ['9999-12-31', '9999-12-31T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ])('%s', (day, start, end) => {
    expect([isoOf(day, 'start'), isoOf(day, 'end')]).toEqual([start, end]);
  });
});

describe('a fault says what is wrong', () => {
  test.each([
    ['2027-02-30', 'is not in the calendar: that month has days 01 to 28'],
    ['2027-02-29T00:00:00Z', 'is not in the calendar: that month has days 01 to 28'],
    ['2100-02-29', 'is not in the calendar: that month has days 01 to 28'],
    ['2027-04-31', 'is not in the calendar: that month has days 01 to 30'],
    ['2027-01-00', 'is not in the calendar: that month has days 01 to 31'],
    ['2027-00-01', 'is not in the calendar: months are 01 to 12'],
    ['2027-13-01', 'is not in the calendar: months are 01 to 12'],
    ['2027-01-01T24:00:00Z', 'is not on the clock: 23:59:59 ends a day'],
    ['2027-01-01T00:60:00Z', 'is not on the clock: 23:59:59 ends a day'],
    ['2027-01-01T00:00:61Z', 'is not on the clock: 23:59:59 ends a day'],
    ['2016-12-31T23:59:60Z', 'is a leap second, which cannot be kept: write :59'],
    ['2027-01-01T00:00:00+24:00', 'has a time zone that cannot be: 23:59 is the largest offset'],
    ['2027-01-01T00:00:00', 'has no time zone: add Z, or an offset such as +01:00'],
    ['2027-01-01T00:00', 'has no time zone: add Z, or an offset such as +01:00'],
    ['2027-01-01T00:00Z', 'has no seconds'],
    ['2027-01-01T00:00:00 01:00', 'has a blank for the + of its zone: in a query, write + as %2B'],
    ['1969-12-31', 'must lie in 1970 to 9999'],
    ['1970-01-01T00:00:00+00:01', 'must lie in 1970 to 9999'],
    ['0000-01-01T00:00:00Z', 'must lie in 1970 to 9999'],
    ['0080-01-01T00:00:00Z', 'must lie in 1970 to 9999'],
    ['9999-12-31T23:59:59-00:01', 'must lie in 1970 to 9999'],
  ])('%s %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
    expect(readTime(text, 'end').fault).toBe(fault);
  });

  test.each([
    '',
    ' ',
    'tomorrow',
    'now',
    '2027-01-01junk',
    '2027-01-01T00:00:00Zjunk',
    '2027-01-01T00:00:00Z ',
    ' 2027-01-01',
    '2027-01-01\n',
    '2027-01-01 00:00:00Z',
    '2027-1-1',
    '2027-01',
    '2027',
    '20270101',
    '20270101T000000Z',
    '2027-W01-1',
    '2027-001',
    '01/02/2027',
    '1 Jan 2027',
    '1798761600',
    '1798761600000',
    '+002027-01-01T00:00:00Z',
    '-002027-01-01',
    '10000-01-01',
    '2027-01-01T00:00:00.Z',
    '2027-01-01T00:00:00,5Z',
    '2027-01-01T00:00:00+01',
    '2027-01-01T00:00:00+0100',
    '2027-01-01T00:00:00+1:00',
    '2027-01-01T00:00:00 +01:00',
    '2027-01-01T00:00:00−01:00',
    '2027-01-01T00:00:00Z[Europe/Zurich]',
    '2027-01-01Z',
    '２０２７-01-01',
    '٢٠٢٧-01-01',
  ])('%j is none', (text) => {
    expect(faultOf(text)).toBe('must be a time such as 2026-03-12T09:00:00Z, or a day such as 2026-03-12');
  });
});

/** Text that often almost is a time. */
const almost = fc
  .tuple(
    fc.constantFrom('2026', '2028', '1969', '9999', '0000', '99999'),
    fc.constantFrom('01', '02', '12', '13', '00', '6'),
    fc.constantFrom('01', '28', '29', '30', '31', '32', '00'),
    fc.constantFrom('', 'T', 't', ' '),
    fc.constantFrom('', '00:00:00', '23:59:59', '24:00:00', '12:60:00', '12:00:60', '12:00', '12:00:00.5'),
    fc.constantFrom('', 'Z', 'z', '+01:00', '-23:59', ' 01:00', '+24:00', 'junk'),
  )
  .map(([year, month, day, letter, clock, zone]) => `${year}-${month}-${day}${letter}${clock}${zone}`);

test('every moment there is reads as itself, in any zone', () => {
  const offsets = fc.integer({ min: -1_439, max: 1_439 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: timeMsMax }), offsets, (ms, offset) => {
      const iso = new Date(ms).toISOString();
      expect(isoOf(iso)).toBe(iso);
      const local = ms + offset * 60_000;
      if (local < -365 * 86_400_000 || local > timeMsMax) return;
      const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60];
      const zone = `${offset < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
      expect(isoOf(new Date(local).toISOString().replace('Z', zone))).toBe(iso);
    }),
  );
});

test('what is taken is the moment that Temporal reads; what Temporal refuses is refused', () => {
  fc.assert(
    fc.property(almost, (text) => {
      const { time } = readTime(text, 'start');
      if (time === undefined) return;
      const day = /^\d{4}-\d\d-\d\d$/.test(text) ? 'T00:00:00Z' : '';
      expect(time.getTime()).toBe(Temporal.Instant.from(text + day).epochMilliseconds);
    }),
    { numRuns: 2_000 },
  );
});
