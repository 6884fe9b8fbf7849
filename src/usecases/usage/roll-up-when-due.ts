import { areRollUpsPaused, pauseRollUps } from '../../stores/redis/usage-pause.ts';
import { type RollUpParts, rollUpUsage } from './roll-up-usage.ts';

/**
 * With the two seconds between two checks, and two runs of the worker, a count is readable within
 * ten seconds of its call (`npm run bench -- sustained`).
 */
const pauseMsMax = 2_000;

/** Duty cycle of one in ten. In busy times more usage is summed before Postgres is written. */
const restPerWork = 9;

/**
 * Rolls up waiting usage, unless the last run was too recent. Short runs follow each other every
 * two seconds. After a long run the pause is longer, so that the same keys are written less often.
 */
export async function rollUpWhenDue(parts: RollUpParts): Promise<number> {
  if (await areRollUpsPaused(parts.redis, pauseMsMax)) return 0;
  const startedMs = performance.now();
  const counted = await rollUpUsage(parts);
  const pauseMs = Math.min((performance.now() - startedMs) * restPerWork, pauseMsMax);
  if (counted > 0) await pauseRollUps(parts.redis, pauseMs);
  return counted;
}
