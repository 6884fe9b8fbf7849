import type { LoadResult } from '../load/jobs.ts';
import type { OtherWork } from '../stage/other-work.ts';

/** One of several variants that are measured in turn. */
export type Arm<Result = LoadResult> = { name: string; measure: () => Promise<Result> };

/** Results of each variant by round, in the given order of variants. */
export type Runs<Result = LoadResult> = Map<string, Result[]>;

/**
 * Measures every variant once per round, so that other load on the machine meets all of them. Every
 * other round runs backwards, against drift. Ratios are taken within a round. A first round is
 * dropped: the engine still compiles, and tables and caches are empty.
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
