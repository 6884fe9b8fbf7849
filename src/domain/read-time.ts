/** Latest accepted time: RFC 3339 years have four digits. The earliest is the Unix epoch. */
export const timeMsMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** The instant that a bare day stands for: its start, or the start of the next day. */
export type DayMeans = 'start' | 'end';

export type TimeReading = { time: Date; fault?: never } | { time?: never; fault: string };

/**
 * Strict reader of a timestamp: RFC 3339 with a zone, or a bare day `YYYY-MM-DD`, which is a day in
 * UTC. `Date.parse` is no validator: it takes 30 February for 2 March, ignores some junk, and reads
 * a time without a zone in the machine's own.
 *
 * Lower-case `t` and `z` are taken, and fractions are cut to milliseconds. A leap second is
 * refused: Unix time has no number for it. The end of 9999-12-31 is the last moment there is. A
 * fault completes a sentence that begins with the name of the field.
 */
export function readTime(text: string, dayMeans: DayMeans): TimeReading {
  const parts = readParts(text);
  if (parts === undefined) return { fault: shapeFault(text) };
  const fault = calendarFault(parts) ?? clockFault(parts);
  if (fault !== undefined) return { fault };
  const ms = toMs(parts, dayMeans);
  return ms < 0 || ms > timeMsMax ? { fault: outOfRange } : { time: new Date(ms) };
}

type Parts = {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  fractionMs: number;
  isDay: boolean;
  zoneSign: 1 | -1;
  zoneHour: number;
  zoneMinute: number;
};

const pattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d)))?$/;

function readParts(text: string): Parts | undefined {
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', sign, zoneHour, zoneMinute] = found;
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    fractionMs: Number(fraction.slice(0, 3).padEnd(3, '0')),
    isDay: hour === undefined,
    zoneSign: sign === '-' ? -1 : 1,
    zoneHour: Number(zoneHour ?? 0),
    zoneMinute: Number(zoneMinute ?? 0),
  };
}

/** Common mistakes, each with how to fix it. */
const nearMisses = [
  [
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d)?(\.\d+)? \d\d:\d\d$/,
    'has a blank for the + of its zone: in a query, write + as %2B',
  ],
  [/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?$/, 'has no time zone: add Z, or an offset such as +01:00'],
  [/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d([Zz]|[+-]\d\d:\d\d)$/, 'has no seconds'],
] as const;

function shapeFault(text: string): string {
  const near = nearMisses.find(([shape]) => shape.test(text));
  return near?.[1] ?? 'must be a time such as 2026-03-12T09:00:00Z, or a day such as 2026-03-12';
}

const outOfRange = 'must lie in 1970 to 9999';

function calendarFault({ year, month, day, isDay }: Parts): string | undefined {
  // A zone offset can move the last day of 1969 into 1970.
  if (year < (isDay ? 1970 : 1969)) return outOfRange;
  if (month < 1 || month > 12) return 'is not in the calendar: months are 01 to 12';
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day < 1 || day > days) return `is not in the calendar: that month has days 01 to ${days}`;
  return undefined;
}

function clockFault({ hour, minute, second, zoneHour, zoneMinute }: Parts): string | undefined {
  if (hour > 23 || minute > 59 || second > 60) return 'is not on the clock: 23:59:59 ends a day';
  if (second === 60) return 'is a leap second, which cannot be kept: write :59';
  if (zoneHour > 23 || zoneMinute > 59) return 'has a time zone that cannot be: 23:59 is the largest offset';
  return undefined;
}

function toMs(parts: Parts, dayMeans: DayMeans): number {
  const startMs = Date.UTC(parts.year, parts.month - 1, parts.day);
  if (parts.isDay) return dayMeans === 'start' ? startMs : Math.min(startMs + dayMs, timeMsMax);
  const sinceMidnightMs =
    (parts.hour * 60 + parts.minute) * minuteMs + parts.second * 1_000 + parts.fractionMs;
  const offsetMs = parts.zoneSign * (parts.zoneHour * 60 + parts.zoneMinute) * minuteMs;
  return startMs + sinceMidnightMs - offsetMs;
}
