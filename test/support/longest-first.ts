import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { groupNames } from '../../scripts/tests/groups.ts';

/**
 * Order of the test files: group by group, and in each what took longest in the last run before the
 * rest. Files of one group share their workers only while they follow each other.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}

function place({ project }: TestSpecification): number {
  return groupNames.indexOf(project.name);
}
