import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { projectRoot } from '../../scripts/services/project-root.ts';
import { groupNames } from '../../scripts/tests/groups.ts';

/** Seconds of long files on two cores, for the first run in a working copy. */
const longFiles = JSON.parse(readFileSync(new URL('long-files.json', import.meta.url), 'utf8')) as Record<
  string,
  number
>;
const shortSeconds = 5;

/**
 * Order of the test files: group by group, and in each what took longest before the rest: in the
 * last run, or as we have noted. Files of one group share their workers only while they follow each
 * other.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const timed = files.map((file) => ({ file, group: groupOf(file), seconds: this.#secondsOf(file) }));
    timed.sort((one, other) => one.group - other.group || other.seconds - one.seconds);
    return timed.map(({ file }) => file);
  }

  #secondsOf(file: TestSpecification): number {
    const last = this.ctx.cache.getTestSpecificationResult(file);
    if (last !== undefined && last.duration > 0) return last.duration / 1_000;
    return longFiles[relative(projectRoot, file.moduleId)] ?? shortSeconds;
  }
}

function groupOf({ project }: TestSpecification): number {
  return groupNames.indexOf(project.name);
}
