import type { LoadResult } from '../load/jobs.ts';
import type { OtherWork } from '../stage/other-work.ts';

/** One of several things that are measured in turn. */
export type Arm<Result = LoadResult> = { name: string; measure: () => Promise<Result> };

/** The results of each arm, one for each round, in the order in which the arms were given. */
export type Runs<Result = LoadResult> = Map<string, Result[]>;

/**
 * Measures every arm once in each round, so that whatever else the machine does meets all of them;
 * every other round goes backwards, so that a drift within a round does as well. Ratios are taken
 * within a round. A round before the first one is thrown away: the engine still compiles what it
 * runs, and every table and cache is at its emptiest.
 */
export async function interleave<Result = LoadResult>(
  otherWork: OtherWork,
  arms: readonly Arm<Result>[],
  rounds: number,
): Promise<Runs<Result>> {
  const runs: Runs<Result> = new Map(arms.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const arm of round % 2 === 0 ? arms : arms.toReversed()) {
      await otherWork.waitForQuiet();
      const result = await arm.measure();
      if (round > 0) runs.get(arm.name)?.push(result);
    }
  }
  return runs;
}
