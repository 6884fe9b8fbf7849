import { areRollUpsPaused, pauseRollUps } from '../../stores/redis/usage-pause.ts';
import { type RollUpParts, rollUpUsage } from './roll-up-usage.ts';

/**
 * With the two seconds between two looks and two runs of the worker, one that just missed a call
 * and one that counts it, a count is readable within ten seconds of its call (`npm run bench --
 * sustained`).
 */
const pauseMsMax = 2_000;

/**
 * Nine parts of rest for one of work: of a busy moment more is summed up before Postgres sees it.
 */
const restPerWork = 9;

/**
 * Rolls up what waits, unless the last run was too short a while ago. Short runs follow each other
 * every two seconds; after a long one the next sums up what four seconds or more have brought, so
 * that the same keys are written less often.
 */
export async function rollUpWhenDue(parts: RollUpParts): Promise<number> {
  if (await areRollUpsPaused(parts.redis, pauseMsMax)) return 0;
  const startedMs = performance.now();
  const counted = await rollUpUsage(parts);
  const pauseMs = Math.min((performance.now() - startedMs) * restPerWork, pauseMsMax);
  if (counted > 0) await pauseRollUps(parts.redis, pauseMs);
  return counted;
}
