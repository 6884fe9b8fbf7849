import { z } from 'zod';
import { type DayMeans, readTime } from '../domain/read-time.ts';

/** A time from which something counts, or before or since which something happened: a bare day means its beginning. */
export const startTime = timeField('start', 'its beginning');

/** A time at which something ends, itself excluded: a bare day means its end, so that the day still counts. */
export const endTime = timeField('end', 'its end');

/** A whole day in UTC, as its first moment. */
export const wholeDay = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/, 'must be a day such as 2026-03-12')
  .transform(readAs('start'))
  .meta({ override: { type: 'string', format: 'date' } });

function timeField(dayMeans: DayMeans, meant: string) {
  return z
    .string()
    .transform(readAs(dayMeans))
    .meta({
      override: { type: 'string' },
      description: `A time (RFC 3339 with its zone), or a day \`YYYY-MM-DD\`: then ${meant} in UTC.`,
    });
}

function readAs(dayMeans: DayMeans) {
  return (text: string, context: z.RefinementCtx): Date => {
    const { time, fault } = readTime(text, dayMeans);
    if (time !== undefined) return time;
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  };
}
