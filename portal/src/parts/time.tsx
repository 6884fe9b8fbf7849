import { Text, Tooltip } from '@mantine/core';

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });

const units: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

function relativeTo(now: number, time: Date): string {
  const seconds = Math.round((time.getTime() - now) / 1_000);
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** Last day, in UTC, before an exclusive end: an end at midnight is shown as the day before. */
function lastDayBefore(end: Date): string {
  return utcDay.format(end.getTime() - 1);
}

type Props = { at: string | null; none: string; as?: 'relative' | 'last-day' };

/** Relative time, with the exact time in the local zone and UTC on hover and focus. */
export function Time({ at, none, as = 'relative' }: Props) {
  if (at === null)
    return (
      <Text span c="dimmed" size="sm">
        {none}
      </Text>
    );
  const time = new Date(at);
  return (
    <Tooltip label={`${exact.format(time)} · ${at.replace(/\.\d+Z$/, 'Z')} UTC`} events={everyWay}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the exact time has to be within reach of the keyboard */}
      <time dateTime={at} tabIndex={0}>
        {as === 'relative' ? relativeTo(Date.now(), time) : lastDayBefore(time)}
      </time>
    </Tooltip>
  );
}

const everyWay = { hover: true, focus: true, touch: true };
