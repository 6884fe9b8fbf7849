import { validationError } from '../../domain/errors.ts';
import { timeMsMax } from '../../domain/read-time.ts';
import type { UsageSum } from '../../stores/postgres/usage/usage.ts';

export type UsageRequest = {
  from?: Date | undefined;
  to?: Date | undefined;
  granularity: 'hour' | 'day';
};

export type KeyUsage = { from: Date; to: Date; granularity: 'hour' | 'day'; sums: UsageSum[] };

export const stepMs = { hour: 3_600_000, day: 86_400_000 };

/** Maximum steps in one answer: a month of hours, or two years of days. */
const stepsMax = { hour: 744, day: 731 };

/**
 * The requested range, widened to whole steps, at most `max` of them; by default the last day of
 * hours or the last 30 days. The last step of the year 9999 ends a millisecond early: its true end
 * has a fifth digit in its year, which RFC 3339 has no room for.
 */
export function wholeSteps(
  request: UsageRequest,
  now: Date,
  max = stepsMax[request.granularity],
): { from: Date; to: Date; granularity: 'hour' | 'day' } {
  const { granularity } = request;
  const step = stepMs[granularity];
  const defaultSteps = granularity === 'hour' ? 24 : 30;
  const endMs = Math.ceil((request.to?.getTime() ?? now.getTime()) / step) * step;
  const fromMs = Math.floor((request.from?.getTime() ?? endMs - defaultSteps * step) / step) * step;
  const toMs = Math.min(endMs, timeMsMax);
  if (fromMs >= toMs) throw validationError([{ path: 'from', message: 'must lie before to' }]);
  if ((toMs - fromMs) / step > max) {
    throw validationError([
      {
        path: 'from',
        message: `is too early: at most ${max} ${granularity}s are in one answer`,
      },
    ]);
  }
  return { from: new Date(fromMs), to: new Date(toMs), granularity };
}
