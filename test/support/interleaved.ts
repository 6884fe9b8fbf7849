import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { projectRoot } from '../../scripts/services/project-root.ts';

/** Files of these folders mostly wait: for time-outs, leases, failovers. */
const waiting = /^test\/(engines|faults|linearizability)\//;

/** Seconds of long files on two cores, for the first run in a working copy. */
const longFiles = JSON.parse(readFileSync(new URL('long-files.json', import.meta.url), 'utf8')) as Record<
  string,
  number
>;
const shortSeconds = 5;

type Timed = { file: TestSpecification; seconds: number };

/**
 * Order of the test files: those that mostly wait spread evenly among those that compute, so that
 * both are done at the same time, and of each kind the longest first. What a file took in the last
 * run counts before what we have noted.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const timed = files
      .map((file) => ({ file, seconds: this.#secondsOf(file) }))
      .sort((one, other) => other.seconds - one.seconds);
    const waits = ({ file }: Timed) => waiting.test(pathOf(file));
    return interleave(
      timed.filter(waits),
      timed.filter((one) => !waits(one)),
    ).map(({ file }) => file);
  }

  #secondsOf(file: TestSpecification): number {
    const last = this.ctx.cache.getTestSpecificationResult(file);
    if (last !== undefined && last.duration > 0) return last.duration / 1_000;
    return longFiles[pathOf(file)] ?? shortSeconds;
  }
}

function pathOf({ moduleId }: TestSpecification): string {
  return relative(projectRoot, moduleId);
}

/** Takes from the list of which the smaller share of its time has been taken. */
function interleave(some: readonly Timed[], others: readonly Timed[]): Timed[] {
  const positions = (list: readonly Timed[]) => {
    const total = list.reduce((sum, { seconds }) => sum + seconds, 0);
    let before = 0;
    return list.map((one) => {
      const position = before / total;
      before += one.seconds;
      return { one, position };
    });
  };
  return [...positions(some), ...positions(others)]
    .sort((one, other) => one.position - other.position)
    .map(({ one }) => one);
}
